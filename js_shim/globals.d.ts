/** Names that the build fills in: files of the dist folder, relative to it. */
declare const __BUILD_ID__: string;
declare const __RUNTIME_WORKER__: string;
declare const __INFERENCE_WORKER__: string;
declare const __VM_WORKER__: string;
declare const __PYODIDE_DIR__: string;
declare const __CORE_ZIP__: string;
declare const __SNAPSHOT__: string;
declare const __ORT_DIR__: string;
