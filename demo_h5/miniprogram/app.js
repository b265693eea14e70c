/** What the pages of the mini-program share. */

App({
  globalData: {
    /** The demo shop: a domain of the mini-program's list, over https. */
    shop: "https://shop.example/",
    /** @type {{type: string, body: any}[]} */
    messages: [],
  },
});
