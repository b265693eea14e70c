/** The sample labels: text to draw, and how it looks. The first line is the product's name. */

/** @import { LabelSample } from "./types.js" */

/** @type {LabelSample[]} */
export const SAMPLES = [
  {
    id: "tea",
    name: { zh: "龙井茶 · 有违禁词", en: "Tea, with banned words" },
    look: { paper: "#fbf6e6", band: "#1f6b45", ink: "#22301f", art: "teapot", isPhoto: false },
    text: `明前龙井茶
国家级品质 全国销量第一
配料：绿茶
净含量：250克
产地：浙江省杭州市
每天一杯 降血压 无副作用
最佳饮用温度：80度
保质期：18个月
执行标准：GB/T 18650`,
  },
  {
    id: "honey",
    name: { zh: "蜂蜜 · 合规", en: "Honey, compliant" },
    look: { paper: "#fff8e4", band: "#b2620b", ink: "#40280a", art: "honey-pot", isPhoto: false },
    text: `荔枝蜂蜜
配料：蜂蜜
净含量：500克
产地：广东省茂名市
贮存条件：阴凉干燥处
最佳食用期：开盖后三个月内
生产日期：2026-03-28
保质期：24个月
客服电话：400-820-0000`,
  },
  {
    id: "nuts",
    name: { zh: "山核桃 · 手机拍的", en: "Nuts, a phone's photo" },
    look: { paper: "#f1e4d2", band: "#7a2e1d", ink: "#3a1d12", art: "chestnut", isPhoto: true },
    text: `手剥山核桃
极品坚果 口感最好
配料：山核桃、食用盐
净含量：180克
产地：安徽省宁国市
适量食用 延年益寿
贮存条件：避光、密封
保质期：9个月`,
  },
];

/** Lines to add with one tap: what the law allows and what it does not. */
export const PHRASES = ["国家级品质", "全国第一品牌", "可降血糖", "最佳食用温度：60度", "新鲜直达"];
