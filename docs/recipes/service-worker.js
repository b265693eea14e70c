// Keeps the runtime's files: those with a digest in their names for good, the others for when the server does not answer.
// Copy it to the root of the site, and register it in the page:
//   navigator.serviceWorker?.register("/service-worker.js");

// Where the runtime's files are served.
const FOLDER = "/edge/";
const CACHE = "edge-web-runtime";
const DIGEST = /[.-][0-9a-f]{8}[./]/;

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  const isOurs = origin === location.origin && pathname.startsWith(FOLDER);
  if (!isOurs || event.request.method !== "GET") return;
  event.respondWith(DIGEST.test(pathname) ? cacheFirst(event) : networkFirst(event));
});

async function cacheFirst(event) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(event.request.url);
  return kept ?? keep(event, cache, await fetch(event.request));
}

async function networkFirst(event) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(event.request.url);
  const response = await fetch(event.request).catch((error) => error);
  if (response.ok || (response instanceof Response && !kept)) {
    const isOther = kept && kept.headers.get("etag") !== response.headers.get("etag");
    if (isOther) event.waitUntil(forgetOthers(cache).catch(() => {}));
    return keep(event, cache, response);
  }
  if (kept) return kept;
  throw response;
}

function keep(event, cache, response) {
  if (response.status === 200) event.waitUntil(cache.put(event.request.url, response.clone()));
  return response;
}

// Another version is served: files of the one before are asked of the server again, should an open page want them.
async function forgetOthers(cache) {
  const { files } = await (await fetch(`${FOLDER}manifest.json`, { cache: "no-cache" })).json();
  for (const { url } of await cache.keys()) {
    const path = new URL(url).pathname.slice(FOLDER.length);
    if (DIGEST.test(path) && !(path in files)) await cache.delete(url);
  }
}
