// AES-GCM as a page would use it: a key that cannot be exported, a fresh IV in front of each record.
const IV_BYTES = 12;
const encoder = new TextEncoder();

export const createKey = () =>
  crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);

/**
 * @param {CryptoKey} key
 * @param {string} text
 */
export async function seal(key, text) {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const body = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, encoder.encode(text));
  const record = new Uint8Array(IV_BYTES + body.byteLength);
  record.set(iv);
  record.set(new Uint8Array(body), IV_BYTES);
  return record;
}
