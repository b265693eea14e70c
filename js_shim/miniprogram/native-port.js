/** What the adapter uses of the logic layer's `wx`. Shapes only; they are checked against the vendor's typings. */

/** @typedef {"uint8" | "int8" | "uint32" | "int32" | "float32"} NativeDtype  All that the engine takes. */

/** @typedef {{data: ArrayBuffer, shape: number[], type: string}} NativeTensor */

/**
 * @typedef {object} NativeSession
 * @property {(tell: () => void) => void} onLoad
 * @property {(tell: (error: any) => void) => void} onError
 * @property {(tensors: Record<string, NativeTensor>) => Promise<Record<string, NativeTensor>>} run
 * @property {() => void} destroy
 */

/**
 * @typedef {object} SessionOption
 * @property {string} model
 * @property {0 | 1 | 2 | 3 | 4} [precisionLevel]
 * @property {0 | 1 | 2 | 3 | 4} [precesionLevel]  As older base libraries spell it.
 * @property {boolean} [allowNPU]
 * @property {boolean} [allowQuantize]
 * @property {Record<string, number[]>} [typicalShape]
 */

/**
 * @template Result
 * @typedef {{success: (result: Result) => void, fail: (error: {errMsg: string}) => void}} Told
 */

/**
 * @typedef {object} NativeFiles
 * @property {(option: {filePath: string, digestAlgorithm: "sha256"} & Told<{digest: string}>) => void} getFileInfo
 * @property {(option: {oldPath: string, newPath: string} & Told<unknown>) => void} rename
 * @property {(option: {filePath: string} & Told<unknown>) => void} unlink
 * @property {(option: {dirPath: string} & Told<{files: string[]}>) => void} readdir
 */

/**
 * @typedef {object} NativeHost
 * @property {{USER_DATA_PATH: string}} env
 * @property {(option: {url: string, filePath: string, timeout: number} & Told<{statusCode: number}>) => unknown} downloadFile
 * @property {() => NativeFiles} getFileSystemManager
 * @property {(option: SessionOption) => NativeSession} [createInferenceSession]
 */

export {};
