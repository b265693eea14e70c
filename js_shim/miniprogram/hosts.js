/**
 * What tells the apps with mini-programs apart, and how their `<web-view>` takes messages. The most specific row is first:
 * an app's web-view may carry names of others, and pages made for many apps load several vendors' scripts.
 */

/** @typedef {"wechat" | "qq" | "jd" | "alipay" | "baidu" | "douyin" | "kuaishou"} AppName */
/** @typedef {"live" | "on-exit" | "none"} Delivery  At once; when the web-view is left or shared; never. */

/**
 * @typedef {object} Host
 * @property {AppName} name
 * @property {RegExp} app         Of the user agent in this app, mini-program or not.
 * @property {RegExp} [foreign]   Of the user agents of other apps that `app` fits as well.
 * @property {RegExp} miniProgram Of the user agent in a mini-program of this app.
 * @property {string[]} api       Where the vendor's script puts its object.
 * @property {boolean} [needsApi] The user agent alone does not tell this host from another.
 * @property {string[]} [absent]  Globals of the host that has the same user agent.
 * @property {string} [flag]      A global that is "miniprogram" there.
 * @property {string} [bridge]    A global that is there once messages can be posted,
 * @property {string} [ready]     and the document's event that says so.
 * @property {string} answer      What `getEnv` calls it.
 * @property {Exclude<Delivery, "none">} delivery
 */

const MINI_PROGRAM = /miniprogram/i;
const WECHAT = /micromessenger/i;
const WEIXIN_BRIDGE = { bridge: "WeixinJSBridge", ready: "WeixinJSBridgeReady" };
const COMMON = /** @type {const} */ ({ answer: "miniprogram", delivery: "on-exit" });

/** @type {readonly Host[]} */
export const HOSTS = [
  {
    ...COMMON,
    name: "jd",
    app: /\bjdapp|\bjdmp/i,
    miniProgram: /\bjdmp/i,
    api: ["jd", "miniProgram"],
    bridge: "JDJSBridge",
    ready: "JDJSBridgeReady",
  },
  {
    ...COMMON,
    name: "alipay",
    app: /alipayclient|mpaasclient/i,
    miniProgram: MINI_PROGRAM,
    api: ["my"],
    delivery: "live",
  },
  {
    ...COMMON,
    name: "baidu",
    app: /baiduboxapp|\bswan\b/i,
    miniProgram: /\bswan\b/i,
    api: ["swan", "webView"],
    answer: "smartprogram",
  },
  {
    ...COMMON,
    name: "douyin",
    app: /toutiaomicroapp|\baweme|newsarticle/i,
    foreign: /lark|feishu/i,
    miniProgram: /toutiaomicroapp/i,
    api: ["tt", "miniProgram"],
  },
  {
    ...COMMON,
    ...WEIXIN_BRIDGE,
    name: "kuaishou",
    app: /\bkwai|ksthanos|ksnebula/i,
    miniProgram: MINI_PROGRAM,
    api: ["ks", "miniProgram"],
  },
  {
    ...COMMON,
    ...WEIXIN_BRIDGE,
    name: "kuaishou",
    app: WECHAT,
    miniProgram: MINI_PROGRAM,
    api: ["ks", "miniProgram"],
    needsApi: true,
    absent: ["wx", "__wxjs_environment"],
  },
  {
    ...COMMON,
    name: "qq",
    // WeChat's user agent names MQQBrowser, which is no QQ.
    app: /\bqq\/\d/i,
    foreign: WECHAT,
    miniProgram: MINI_PROGRAM,
    api: ["qq", "miniProgram"],
    flag: "__qqjs_environment",
    bridge: "QQJSBridge",
    ready: "QQJSBridgeReady",
  },
  {
    ...COMMON,
    ...WEIXIN_BRIDGE,
    name: "wechat",
    app: WECHAT,
    foreign: /wxwork/i,
    // WeChat on a desk says MiniProgramEnv on plain pages, too: anybody's link would be a command there.
    miniProgram: /miniprogram(?!env\/(?:windows|mac))/i,
    api: ["wx", "miniProgram"],
    flag: "__wxjs_environment",
  },
];
