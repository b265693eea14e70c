/** Model files in a mini-program's user folder, named by their digest, and never used before it was checked. */

import { EdgeError } from "../errors.js";

/** @import { NativeModel } from "./native-catalogue.js" */
/** @import { NativeHost } from "./native-port.js" */

const DOWNLOAD_MS = 120_000;
const OURS = /^edge-([0-9a-f]{64})\.(?:onnx|part)$/;

/**
 * @param {NativeHost} wx
 * @param {NativeModel[]} models  Files of others are deleted: the user folder is small.
 */
export function createModelFiles(wx, models) {
  const folder = wx.env.USER_DATA_PATH;
  const disk = wx.getFileSystemManager();
  /** @type {Map<string, Promise<string>>} */
  const coming = new Map();
  /** @type {Promise<unknown> | undefined} */
  let sweeping;

  /** @param {string} filePath @returns {Promise<string | undefined>} */
  const digestOf = (filePath) =>
    told(disk, "getFileInfo", { filePath, digestAlgorithm: "sha256" }).then(
      ({ digest }) => String(digest).toLowerCase(),
      () => undefined,
    );

  /** @param {string} filePath */
  const remove = (filePath) => told(disk, "unlink", { filePath }).catch(() => {});

  async function sweep() {
    const digests = models.map(({ sha256 }) => sha256);
    const { files } = await told(disk, "readdir", { dirPath: folder });
    const others = files.filter((/** @type {string} */ file) => {
      const [, digest] = OURS.exec(file) ?? [];
      return digest && (file.endsWith(".part") || !digests.includes(digest));
    });
    await Promise.all(others.map((/** @type {string} */ file) => remove(`${folder}/${file}`)));
  }

  /** @param {string} url @param {string} sha256 */
  async function fetched(url, sha256) {
    sweeping ??= sweep().catch(() => {});
    await sweeping;
    const path = `${folder}/edge-${sha256}.onnx`;
    if ((await digestOf(path)) === sha256) return path;
    const part = `${folder}/edge-${sha256}.part`;
    try {
      await download(wx, url, part);
      checkDigest(url, sha256, await digestOf(part));
      await remove(path);
      await told(disk, "rename", { oldPath: part, newPath: path }).catch(failedWrite);
      return path;
    } catch (error) {
      await remove(part);
      throw error;
    }
  }

  return {
    /**
     * @param {NativeModel} model
     * @returns {Promise<string>}  A path that the engine opens.
     * @throws {EdgeError} network-failed, digest-mismatch, storage-full, storage-failed, feature-missing
     */
    pathOf({ file, url, sha256 }) {
      if (file) return Promise.resolve(file);
      const digest = /** @type {string} */ (sha256);
      const path = coming.get(digest) ?? fetched(/** @type {string} */ (url), digest);
      coming.set(digest, path);
      return path.finally(() => coming.delete(digest));
    },
  };
}

/**
 * @param {NativeHost} wx
 * @param {string} url
 * @param {string} filePath
 */
async function download(wx, url, filePath) {
  const option = { url, filePath, timeout: DOWNLOAD_MS };
  const { statusCode } = await told(wx, "downloadFile", option).catch((error) => {
    if (isFull(error)) return failedWrite(error);
    const text = `${url}: expected a model, got ${error?.errMsg}. Is its host among the download domains?`;
    throw new EdgeError("network-failed", text, { url }, error);
  });
  if (statusCode !== 200)
    throw new EdgeError("network-failed", `${url}: expected status 200, got ${statusCode}.`, {
      url,
    });
}

/**
 * @param {string} url
 * @param {string} expected
 * @param {string | undefined} got
 */
function checkDigest(url, expected, got) {
  if (got === expected) return;
  if (got?.length !== expected.length) {
    const text = `${url}: expected this base library to give a file's SHA-256, got ${got}. Put the model into the package.`;
    throw new EdgeError("feature-missing", text, { url });
  }
  const text = `${url}: expected SHA-256 ${expected}, got ${got}. Publish the right file, or correct the catalogue.`;
  throw new EdgeError("digest-mismatch", text, { url, expected, got });
}

/** @param {any} error @returns {never} */
function failedWrite(error) {
  const code = isFull(error) ? "storage-full" : "storage-failed";
  throw new EdgeError(
    code,
    `user folder: expected to keep a model, got ${error?.errMsg}. Free space.`,
    {},
    error,
  );
}

/** @param {any} error */
function isFull(error) {
  return /maximum size|exceed/i.test(error?.errMsg ?? "");
}

/**
 * A call with callbacks as a promise.
 * @param {any} object
 * @param {string} name
 * @param {object} option
 * @returns {Promise<any>}
 */
function told(object, name, option) {
  return new Promise((success, fail) => object[name]({ ...option, success, fail }));
}
