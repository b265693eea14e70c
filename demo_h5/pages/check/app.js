/** In which app a page is shown, by its user agent. The first that fits counts: some carry another one's name, too. */

/** @type {[name: string, agent: RegExp, miniProgram: RegExp][]} */
const APPS = [
  ["JD", /jdapp|jdmp/i, /jdmp/i],
  ["WeCom", /wxwork/i, /miniprogram/i],
  ["QQ", /\bqq\//i, /miniprogram/i],
  ["WeChat", /micromessenger/i, /miniprogram/i],
  ["Alipay", /alipayclient|mpaasclient/i, /miniprogram/i],
  ["Baidu", /baiduboxapp|swan\//i, /swan\//i],
  ["Douyin or Toutiao", /toutiaomicroapp|aweme|newsarticle/i, /toutiaomicroapp/i],
  ["Kuaishou", /kwai|ksnebula/i, /miniprogram/i],
  ["Xiaohongshu", /xhsminiapp|discover\//i, /xhsminiapp/i],
];

/**
 * @param {string} agent
 * @returns {string}  Empty: a browser, or an app that is not known.
 */
export function appOf(agent) {
  const found = APPS.find(([, pattern]) => pattern.test(agent));
  if (!found) return "";
  const [name, , miniProgram] = found;
  return miniProgram.test(agent) ? `${name} mini-program` : `${name} app`;
}
