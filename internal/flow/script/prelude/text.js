(function (support, part) {
    "use strict";
    class TextEncoder {
        get encoding() { return "utf-8"; }
        encode(text = "") { return new Uint8Array(support("encode", String(text), "utf8")); }
        encodeInto(text, target) {
            let read = 0, written = 0;
            for (const c of String(text)) {
                const b = support("encode", c, "utf8");
                if (written + b.length > target.length) break;
                target.set(b, written);
                written += b.length;
                read += c.length;
            }
            return { read, written };
        }
    }
    const names = { __proto__: null, "utf-8": "utf8", utf8: "utf8", "utf-16le": "utf16le", latin1: "latin1", "iso-8859-1": "latin1", ascii: "latin1" };
    class TextDecoder {
        #encoding;
        constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
            this.#encoding = names[String(label).toLowerCase()];
            if (!this.#encoding) throw new RangeError(`The "${label}" encoding is not supported`);
            this.fatal = fatal;
            this.ignoreBOM = ignoreBOM;
        }
        get encoding() { return { utf8: "utf-8", utf16le: "utf-16le", latin1: "windows-1252" }[this.#encoding]; }
        decode(bytes = new Uint8Array()) {
            const view = ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);
            const text = support("decode", view, this.#encoding);
            if (this.fatal && this.#encoding === "utf8" && text.includes("\ufffd") && part("buffer").Buffer.compare(support("encode", text, "utf8"), view) !== 0) {
                throw new TypeError("The encoded data was not valid for encoding utf-8");
            }
            return !this.ignoreBOM && text.startsWith("\ufeff") ? text.slice(1) : text;
        }
    }
    const btoa = (text) => {
        if (/[^\0-\xff]/.test(text)) throw new TypeError("Invalid character");
        return support("decode", support("encode", String(text), "latin1"), "base64");
    };
    const atob = (text) => support("decode", support("encode", String(text), "base64"), "latin1");
    return { TextEncoder, TextDecoder, atob, btoa };
})
