/** What the shop computed on this device, as the web-view brought it when it was left. */

Page({
  data: {
    /** @type {{id: number, name: string, text: string}[]} */
    rows: [],
  },

  onShow() {
    const { messages } = getApp().globalData;
    this.setData({ rows: messages.map(toRow) });
  },

  open() {
    wx.navigateTo({ url: "/pages/shop/shop" });
  },
});

/** @param {{type: string, body: any}} message @param {number} id */
function toRow({ type, body }, id) {
  const result = type === "answer" ? body.result : body;
  if (!result) return { id, name: body.error.code, text: body.error.message };
  const { order, hist } = result.value;
  const text = order ? `首位 ${order.slice(0, 3).join("、")} · 浏览 ${hist.length}` : "";
  return { id, name: `${result.taskName} · ${type}`, text };
}
