/** The demo shop in a web-view, which covers the whole page. */

const { createReceiver } = require("../../edge/receiver.js");

const receiver = createReceiver({ warn: (/** @type {string} */ text) => console.warn(text) });
const RANK = {
  systemCode: "demo-shop",
  businessCode: "rank",
  extData: { hist: [], cand: [1, 2, 3] },
};

Page({
  data: { src: "", hasAsked: false },

  onLoad() {
    this.setData({ src: getApp().globalData.shop });
  },

  /** Once the page is there, ask it for a ranking; the answer comes with all the rest. */
  onShown() {
    if (this.data.hasAsked) return;
    this.setData({ hasAsked: true, src: receiver.nextSrc(this.data.src, "infer", RANK) });
  },

  /** @param {WechatMiniprogram.WebviewMessage} event  When the page is left or shared, with all that was posted. */
  onMessage(event) {
    getApp().globalData.messages.push(...receiver.take(event));
  },
});
