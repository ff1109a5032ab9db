// Starts what was built, as `npm start` and `drumscribe serve --web` do.
// Next takes a sender's word for where a request comes from. Like any proxy, this server adds what it knows itself, the
// other end of the socket; whoever trusts this server reads the list from its end.
const { Server } = require("node:http");

const { emit } = Server.prototype;
Server.prototype.emit = function (event, request, ...rest) {
  if (event === "request" || event === "upgrade") {
    const address = (request.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
    const hops = [request.headers["x-forwarded-for"], address];
    request.headers["x-forwarded-for"] = hops.filter(Boolean).join(", ");
  }
  return emit.call(this, event, request, ...rest);
};

require("./server.js");
