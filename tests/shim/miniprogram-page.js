/** A page in a web-view, as far as the bridge looks at one: address, history, events, and an app's profile. */

import { vectors } from "./vectors.js";

/** @type {{name: string, ua: string, objects?: string[], globals?: Record<string, unknown>}[]} */
const CASES = vectors("mini-program-hosts").cases;

/** What the tests of the bridge have for each family and fault. */
export const UA = Object.freeze({
  wechat: ua("wechat ios, vendor's script not there yet"),
  silentWechat: ua("wechat ios that does not say miniProgram"),
  jd: ua("jd"),
  alipay: ua("alipay"),
  baidu: ua("baidu"),
  douyin: ua("douyin"),
  desk: ua("firefox"),
});

/** @param {string} name */
function ua(name) {
  return /** @type {{ua: string}} */ (CASES.find((known) => known.name === name)).ua;
}

class Scene extends EventTarget {
  /** Listeners that nobody took back. */
  listeners = 0;

  /** @param {any[]} args @override */
  addEventListener(...args) {
    this.listeners++;
    super.addEventListener(.../** @type {[string, EventListener, boolean?]} */ (args));
  }

  /** @param {any[]} args @override */
  removeEventListener(...args) {
    this.listeners--;
    super.removeEventListener(.../** @type {[string, EventListener, boolean?]} */ (args));
  }
}

/** @param {{url?: string, ua?: string, [name: string]: unknown}} [parts]  Further names are globals. */
export function createPage({ url = "https://shop.test/", ua = "", ...globals } = {}) {
  const location = { href: url };
  /** @type {any} */
  const history = {
    state: null,
    replaceState(/** @type {any} */ state, /** @type {string} */ _, /** @type {string} */ to) {
      history.state = state;
      location.href = new URL(to, location.href).href;
    },
    pushState: (/** @type {any} */ state, /** @type {string} */ _, /** @type {string} */ to) =>
      history.replaceState(state, "", to),
  };
  const document = Object.assign(new Scene(), { visibilityState: "visible" });
  const window = Object.assign(new Scene(), {
    location,
    history,
    document,
    navigator: { userAgent: ua },
  });
  /** @type {any} */
  const page = Object.assign(window, globals);

  return {
    window: page,
    location,
    history,
    listeners: () => window.listeners + document.listeners,

    /** The host changes the address' hash, as a person or a mini-program does. @param {string} hash */
    visit(hash) {
      const oldURL = location.href;
      location.href = oldURL.split("#")[0] + hash;
      history.state = null;
      const { href: newURL } = location;
      return () => {
        window.dispatchEvent(new Event("popstate"));
        window.dispatchEvent(Object.assign(new Event("hashchange"), { oldURL, newURL }));
      };
    },

    /** @param {string} bridge @param {string} ready */
    bridgeComes(bridge, ready) {
      page[bridge] = {};
      document.dispatchEvent(new Event(ready));
    },

    hide() {
      document.visibilityState = "hidden";
      document.dispatchEvent(new Event("visibilitychange"));
    },
  };
}

/**
 * The vendor's object, and what the host has of it.
 * @param {string} path  Such as "wx.miniProgram".
 * @param {Record<string, unknown>} [more]
 * @returns {{posted: any[], globals: Record<string, any>, api: any}}
 */
export function createApi(path, more = {}) {
  /** @type {any[]} */
  const posted = [];
  const api = {
    postMessage: (/** @type {any} */ message) => void posted.push(structuredClone(message)),
    ...more,
  };
  const [first, ...rest] = path.split(".");
  const globals = {
    [first]: rest.reduceRight((inner, name) => ({ [name]: inner }), /** @type {any} */ (api)),
  };
  return { posted, globals, api };
}

/** Let all promises that can settle do so. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));
