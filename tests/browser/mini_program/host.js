/**
 * An app that hosts a mini-program, in a browser: pages on the component framework, a stack of them, and a <web-view>
 * that delivers as WeChat documents it. Controls for the test: `launch`, `tapBack`, `share`.
 */

import { CurrentWindowBackendContext, Event as FrameworkEvent } from "glass-easel";
import { MiniProgramEnv } from "glass-easel-miniprogram-adapter";

/** All that web-views posted since their page began, by component. */
const posted = new Map();
let loads = 0;
const stack = [];

function defineBuiltins(space, template) {
  for (const name of ["view", "text", "button"])
    space.setGlobalUsingComponent(name, space.define(name).template(template).registerComponent());
  const webView = space
    .define("web-view")
    .property("src", String)
    .template(template)
    .init(({ self, lifetime, observer }) => {
      const frame = document.createElement("iframe");
      lifetime("attached", () => {
        posted.set(self, []);
        addEventListener("message", ({ source, data }) => {
          if (source === frame.contentWindow && data.name === "postMessage")
            posted.get(self)?.push(data.arg);
        });
        frame.addEventListener("load", () => {
          loads++;
          self.triggerEvent("load", { src: frame.src });
        });
      });
      observer("src", (src) => {
        if (!src) return;
        frame.src = src;
        if (!frame.isConnected) self.getBackendElement().append(frame);
      });
    })
    .registerComponent();
  space.setGlobalUsingComponent("web-view", webView);
}

function deliver() {
  for (const [webView, data] of posted)
    if (data.length) webView.triggerEvent("message", { data: structuredClone(data) });
}

export function start(pages, loadApp, slot) {
  const env = new MiniProgramEnv();
  const code = env.createCodeSpace("", true);
  defineBuiltins(code.getComponentSpace(), slot);
  const context = new CurrentWindowBackendContext();
  context.onEvent(FrameworkEvent.triggerEvent);
  const backend = env.associateBackend(context);
  for (const [path, { template, config, load }] of Object.entries(pages)) {
    code.addComponentStaticConfig(path, config);
    code.addCompiledTemplate(path, template);
    code.globalComponentEnv(globalThis, path, load);
  }
  const open = (path) => {
    const holder = document.createElement("section");
    const place = holder.appendChild(document.createElement("i"));
    document.body.append(holder);
    const root = backend.createRoot("main", code, path);
    root.attach(holder, place);
    stack.push({ holder, root });
    call("onLoad", {});
    call("onShow");
  };
  const page = () => stack.at(-1).root.get();
  const call = (name, ...args) => page()[name]?.(...args);

  let app;
  globalThis.App = (definition) => (app = definition);
  globalThis.getApp = () => app;
  globalThis.wx = {
    navigateTo({ url }) {
      stack.at(-1).holder.hidden = true;
      open(url.slice(1));
    },
  };
  globalThis.share = deliver;
  globalThis.postedTypes = () => [...posted.values()].flat().map(({ type }) => type);
  globalThis.webViewLoads = () => loads;
  globalThis.tapBack = () => {
    deliver();
    call("onUnload");
    const { holder, root } = stack.pop();
    posted.clear();
    root.release();
    holder.remove();
    stack.at(-1).holder.hidden = false;
    call("onShow");
  };
  globalThis.launch = (shop) => {
    loadApp();
    app.globalData.shop = shop;
    open(Object.keys(pages)[0]);
  };
}
