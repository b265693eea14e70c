/** What the vendor's typings must agree with; nothing here runs. */

import { createNativeEdge } from "../../js_shim/miniprogram/native.js";
import { createReceiver } from "../../js_shim/miniprogram/receiver.js";

/** @import { Catalogue } from "../../js_shim/miniprogram/native-catalogue.js" */
/** @import { NativeHost } from "../../js_shim/miniprogram/native-port.js" */

/** @param {WechatMiniprogram.Wx} wx @returns {NativeHost} */
export const host = (wx) => wx;

/** @param {WechatMiniprogram.Wx} wx @param {Catalogue} catalogue */
export const edge = (wx, catalogue) => createNativeEdge({ wx, catalogue });

/** @param {WechatMiniprogram.WebviewMessage} event */
export const messages = (event) => createReceiver().take(event);
