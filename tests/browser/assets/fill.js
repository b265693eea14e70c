/** Random text does not compress, so it needs the room that it seems to need. */
const noise = (length) => {
  let text = "";
  while (text.length < length) text += crypto.randomUUID();
  return text.slice(0, length);
};
let tracked = 0;
let acknowledged = 0;

/** Track 100 events of 4 kB and flush them; resolves with the flush's error, if there was one. */
async function fillABit() {
  for (const end = tracked + 100; tracked < end; tracked++) {
    const props = { n: tracked, text: noise(4_000) };
    EdgeAI.track({ type: "mta", pageId: "M", clickId: "c", props });
  }
  const { error } = await window.settle(EdgeAI.flush());
  if (!error) acknowledged = tracked;
  return error;
}

/** Fill a quota of 3 MB so far that there is a checkpoint; resolves with the store's statistics. */
window.fillToACheckpoint = async () => {
  for (let n = 0; n < 6; n++) await fillABit();
  for (;;) {
    const { store } = await EdgeAI.statistics();
    if (store.checkpoint) return store;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** Fill until a flush fails; resolves with that. */
window.fill = async () => {
  for (;;) {
    const error = await fillABit();
    if (error) return { tracked, acknowledged, error };
  }
};
