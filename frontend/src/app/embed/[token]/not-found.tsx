export default function NothingEmbedded() {
  return (
    <main className="grid min-h-dvh place-content-center p-6 text-center">
      <h1 className="font-title text-lg font-semibold">This score is not shared any more</h1>
      <p className="mt-1 text-soft">Its link was taken back, or the score has been deleted.</p>
    </main>
  );
}
