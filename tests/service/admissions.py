"""A process that asks for jobs from many threads at once, and says which it got: `admissions.py THREADS IDENTIFIER`.

The settings come on stdin as JSON; it begins when it reads a line after them.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from drumscribe.service.database import open_database
from drumscribe.service.errors import LimitReached
from drumscribe.service.jobs import lifecycle
from drumscribe.service.settings import Settings
from drumscribe.service.tables import Job
from drumscribe.service.users.identity import ANONYMOUS_SCOPES, Caller
from drumscribe.service.users.limits import admit


def main() -> None:
    """Ask, and print what came of it."""
    threads, identifier = int(sys.argv[1]), sys.argv[2]
    settings = Settings.model_validate(json.loads(sys.stdin.readline()))
    sessions = open_database(settings.database_url, pool_size=threads)
    caller = Caller(identifier, None, ANONYMOUS_SCOPES, False, 0, True)

    def ask(_: int) -> str:
        try:
            with sessions.write() as session:
                admit(session, settings, caller)
                lifecycle.enter(session, Job(id=str(uuid4()), input_type="upload", user_identifier=identifier), {})
        except LimitReached as error:
            return error.code
        return "admitted"

    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(threads) as crowd:
        print(json.dumps(list(crowd.map(ask, range(threads)))), flush=True)
    sessions.close()


if __name__ == "__main__":
    main()
