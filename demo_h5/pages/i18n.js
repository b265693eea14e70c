/** The shop's two languages; products carry both names and show the chosen one first. */

/** @import { Product } from "./types.js" */

/** @typedef {"zh" | "en"} Language */

/** @type {Record<string, {zh: string, en: string}>} */
const TEXTS = {
  shop: { zh: "鲜集 Edge Market", en: "Edge Market 鲜集" },
  skip: { zh: "跳到商品", en: "Skip to products" },
  switchTo: { zh: "EN", en: "中文" },
  home: { zh: "首页", en: "Home" },
  photo: { zh: "拍照识物", en: "Photo search" },
  panel: { zh: "运行面板", en: "Live panel" },
  cart: { zh: "购物车，{count} 件", en: "Cart, {count} items" },
  heroTitle: {
    zh: "越逛越懂你，数据不出手机",
    en: "Learns as you browse, on your phone",
  },
  heroText: {
    zh: "排序模型就在这个网页里运行：点几件商品，看看首页怎么变。",
    en: "The model runs in this page: open a few products and watch the feed change.",
  },
  heroPhoto: { zh: "拍张照片试试", en: "Try a photo" },
  feedTitle: { zh: "为你推荐", en: "For you" },
  feedDefault: { zh: "默认顺序", en: "Default order" },
  feedPopular: {
    zh: "按热度排序，本机用时 {ms} ms",
    en: "By popularity, {ms} ms on this device",
  },
  feedRanked: {
    zh: "根据你看过的 {count} 件商品排序，本机用时 {ms} ms",
    en: "Ranked by {count} products you viewed, {ms} ms on this device",
  },
  because: { zh: "因为你看过{category}", en: "Because you viewed {category}" },
  risen: { zh: "↑ {count} 件商品为你上移", en: "↑ {count} products moved up" },
  like: { zh: "更多类似商品：{name}", en: "More like {name}" },
  likeShort: { zh: "想看更多", en: "More like this" },
  loadFailed: {
    zh: "商品没有加载出来。",
    en: "The products could not be loaded.",
  },
  retry: { zh: "再试一次", en: "Try again" },
  back: { zh: "‹ 返回首页", en: "‹ Back to the feed" },
  similar: { zh: "更多{category}", en: "More {category}" },
  addToCart: { zh: "加入购物车", en: "Add to cart" },
  added: { zh: "已加入购物车：{name}", en: "Added to cart: {name}" },
  ownBrand: { zh: "自有品牌", en: "Own brand" },
  noItem: { zh: "没有找到这件商品。", en: "There is no such product." },
  itemPrivacy: {
    zh: "浏览记录只加密保存在你的设备上。",
    en: "What you view is kept encrypted, on your device only.",
  },
  photoTitle: { zh: "拍照识物", en: "Photo search" },
  photoText: {
    zh: "选一张样图，或用自己的照片。照片不会上传。",
    en: "Pick a sample or use your own photo. It is never uploaded.",
  },
  photoOwn: { zh: "选择照片", en: "Choose a photo" },
  photoCredits: { zh: "样图作者：{credits}", en: "Samples by {credits}" },
  photoEmpty: { zh: "结果会显示在这里", en: "The result appears here" },
  photoBusy: { zh: "正在本机识别…", en: "Recognising on this device…" },
  photoDone: {
    zh: "本机识别用时 {ms} ms，其中推理 {infer} ms · {backend}",
    en: "{ms} ms on this device, inference {infer} ms · {backend}",
  },
  photoFailed: {
    zh: "这张照片没能识别",
    en: "This photo could not be recognised",
  },
  photoFailedHint: {
    zh: "换一张 JPEG、PNG 或 WebP 照片再试试。",
    en: "Try another JPEG, PNG or WebP photo.",
  },
  photoLater: {
    zh: "智能功能暂时不可用，商品照常浏览。",
    en: "On-device AI is not available right now; the shop works as usual.",
  },
  label: { zh: "标签体检", en: "Label check" },
  labelTitle: { zh: "标签体检", en: "Label check" },
  labelText: {
    zh: "读出包装上的每一行字，找出《广告法》不允许的词。图片不会上传。",
    en: "Reads every line of a label and finds words that China's advertising law bans. Nothing is uploaded.",
  },
  labelOwn: { zh: "换成自己的标签照片", en: "Use a photo of your own label" },
  labelEditor: {
    zh: "改一改文字，停笔就重新检查",
    en: "Change the text; it is read again when you pause",
  },
  labelBusy: { zh: "正在本机读取…", en: "Reading on this device…" },
  labelFirst: {
    zh: "首次使用要载入约 15 MB 的模型，只需一次",
    en: "The first time 15 MB of models are loaded",
  },
  labelClean: { zh: "没有违禁词", en: "No banned words" },
  labelBanned: { zh: "发现 {count} 处违禁词", en: "Banned words: {count}" },
  labelRead: { zh: "读出 {lines} 行", en: "Lines read: {lines}" },
  labelNone: { zh: "没有读到文字", en: "No text was found" },
  labelDone: {
    zh: "本机用时 {ms} ms，其中推理 {infer} ms · {backend}",
    en: "{ms} ms on this device, inference {infer} ms · {backend}",
  },
  labelFailed: { zh: "这张图片没能读取", en: "This picture could not be read" },
  photoNear: { zh: "店里相近的商品", en: "Like it in the shop" },
  photoNearNone: {
    zh: "店里没有和它相近的商品。",
    en: "Nothing in the shop is like it.",
  },
  photoNearHow: {
    zh: "与模型学到的各类照片的样子比较，而不是与商品图标比较；60 件商品中有 46 件可以这样找到。",
    en: "Compared with what the model learnt such photos to look like, not with the icons: 46 of the 60 products can be found this way.",
  },
  photoLook: { zh: "像 {look} · {score}", en: "like {look} · {score}" },
  searchLabel: { zh: "按意思搜索商品", en: "Search products by meaning" },
  searchPlaceholder: { zh: "例如 my cat is hungry", en: "Try “my cat is hungry”" },
  searchHint: {
    zh: "请用英文描述：模型只懂英文，中文按商品名查找",
    en: "By meaning, in English. What you type stays on this device.",
  },
  searchLoading: {
    zh: "正在加载语言模型（23 MB）…",
    en: "Loading the language model (23 MB)…",
  },
  searchBusy: { zh: "正在搜索…", en: "Searching…" },
  searchFound: {
    zh: "{count} 件商品，本机用时 {ms} ms，其中推理 {infer} ms · {backend}",
    en: "{count} products, {ms} ms on this device, inference {infer} ms · {backend}",
  },
  searchNothing: {
    zh: "店里没有合适“{query}”的商品。",
    en: "Nothing in the shop fits “{query}”.",
  },
  searchLiteral: { zh: "名称匹配", en: "by name" },
  stateLoading: { zh: "准备中", en: "Preparing" },
  stateIdle: { zh: "待启动", en: "Idle" },
  stateBooting: { zh: "启动中", en: "Starting" },
  stateReady: { zh: "端侧 AI 就绪", en: "AI ready" },
  stateFailed: { zh: "AI 未启动", en: "AI unavailable" },
  stateStopped: { zh: "AI 已停止", en: "AI stopped" },
  stateMissing: { zh: "AI 未加载", en: "AI not loaded" },
  close: { zh: "关闭", en: "Close" },
  noData: { zh: "暂无", en: "None yet" },
  inspect: { zh: "检查器", en: "Inspector" },
  panelBoot: { zh: "启动", en: "Boot" },
  panelQueues: { zh: "队列", en: "Queues" },
  panelLanes: { zh: "推理通道", en: "Lanes to the models" },
  panelBreakers: { zh: "熔断器", en: "Breakers" },
  panelModels: { zh: "模型与后端", en: "Models and backends" },
  panelStore: { zh: "本机存储", en: "Store on this device" },
  panelRuns: { zh: "任务运行（毫秒）", en: "Runs (ms)" },
  panelEvents: { zh: "实时事件", en: "Live events" },
};

/** @type {Language} */
let language = "zh";

export const currentLanguage = () => language;

/**
 * @param {string} key
 * @param {Record<string, string | number>} [values]  Fill the text's {names}.
 */
export function t(key, values = {}) {
  return TEXTS[key][language].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** @param {Language} chosen  Texts of `data-i18n` elements change at once. */
export function setLanguage(chosen) {
  language = chosen;
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-i18n]")) {
    node.textContent = t(/** @type {HTMLElement} */ (node).dataset.i18n ?? "shop");
  }
  for (const node of document.querySelectorAll("[data-i18n-label]")) {
    node.setAttribute(
      "aria-label",
      t(/** @type {HTMLElement} */ (node).dataset.i18nLabel ?? "shop"),
    );
  }
}

/** @param {Product} product */
export const primaryName = (product) => (language === "zh" ? product.nameZh : product.name);
/** @param {Product} product */
export const secondaryName = (product) => (language === "zh" ? product.name : product.nameZh);
/** @param {Product} product */
export const categoryName = (product) =>
  language === "zh" ? product.categoryZh : product.category;
