(function (support) {
    "use strict";
    const U = Uint8Array, { construct } = Reflect;
    const encodings = {
        __proto__: null, utf8: "utf8", "utf-8": "utf8", hex: "hex", base64: "base64", base64url: "base64url", ascii: "ascii",
        latin1: "latin1", binary: "latin1", ucs2: "utf16le", "ucs-2": "utf16le", utf16le: "utf16le", "utf-16le": "utf16le",
    };
    const kind = (name) => {
        if (name === undefined || name === null || name === "") return "utf8";
        const e = encodings[String(name).toLowerCase()];
        if (!e) throw coded(new TypeError("Unknown encoding: " + name), "ERR_UNKNOWN_ENCODING");
        return e;
    };
    const coded = (e, code) => (e.code = code, e);
    const wrap = (raw, offset, length) => construct(U, [raw, offset, length], Buffer);
    const make = (n) => construct(U, [n], Buffer);
    const encode = (text, encoding) => support("encode", text, kind(encoding));

    function Buffer(a, b, c) {
        if (typeof a === "number") {
            if (typeof b === "string") throw coded(new TypeError('The "string" argument must be of type string. Received type number'), "ERR_INVALID_ARG_TYPE");
            return Buffer.alloc(a);
        }
        return Buffer.from(a, b, c);
    }
    Object.setPrototypeOf(Buffer, U);
    const P = Buffer.prototype = Object.create(U.prototype, {
        constructor: { value: Buffer, configurable: true, writable: true },
    });

    const size = (n) => {
        if (typeof n !== "number") throw coded(new TypeError('The "size" argument must be of type number. Received ' + typeof n), "ERR_INVALID_ARG_TYPE");
        if (!(n >= 0 && n <= 2 ** 31)) throw coded(new RangeError('The value of "size" is out of range. It must be >= 0 && <= 2147483648. Received ' + n), "ERR_OUT_OF_RANGE");
        return n;
    };
    const statics = {
        from(v, a, b) {
            if (typeof v === "string") return encode(v, a);
            if (v instanceof ArrayBuffer || typeof SharedArrayBuffer === "function" && v instanceof SharedArrayBuffer) return wrap(v, a, b);
            if (v !== null && typeof v === "object") {
                if (ArrayBuffer.isView(v) || Array.isArray(v)) return construct(U, [v], Buffer);
                const plain = v.valueOf && v.valueOf();
                if (plain !== undefined && plain !== null && plain !== v) return Buffer.from(plain, a, b);
                if (v.type === "Buffer" && Array.isArray(v.data)) return construct(U, [v.data], Buffer);
                if (typeof v.length === "number") return construct(U, [Array.from(v)], Buffer);
                const p = v[Symbol.toPrimitive];
                if (typeof p === "function") return Buffer.from(p.call(v, "string"), a);
            }
            throw coded(new TypeError("The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object. Received " +
                (v === null || v === undefined ? String(v) : "type " + typeof v)), "ERR_INVALID_ARG_TYPE");
        },
        of: (...items) => construct(U, [items], Buffer),
        alloc(n, fill, encoding) {
            const b = make(size(n));
            return fill === undefined || fill === 0 ? b : b.fill(fill, encoding);
        },
        allocUnsafe: (n) => make(size(n)),
        allocUnsafeSlow: (n) => make(size(n)),
        isBuffer: (b) => b instanceof Buffer,
        isEncoding: (e) => typeof e === "string" && encodings[e.toLowerCase()] !== undefined,
        byteLength: (v, encoding) => typeof v === "string" ? encode(v, encoding).length : v.byteLength,
        concat(list, total) {
            if (!Array.isArray(list)) throw coded(new TypeError('The "list" argument must be an instance of Array'), "ERR_INVALID_ARG_TYPE");
            total ??= list.reduce((n, b) => n + b.length, 0);
            const out = make(total);
            let at = 0;
            for (const b of list) {
                if (!(b instanceof U)) throw coded(new TypeError('The "list" argument must be a list of Buffers or Uint8Arrays'), "ERR_INVALID_ARG_TYPE");
                if (at >= total) break;
                out.set(b.length > total - at ? b.subarray(0, total - at) : b, at);
                at += b.length;
            }
            return out;
        },
        compare(a, b) {
            if (!(a instanceof U) || !(b instanceof U)) throw coded(new TypeError("Arguments must be Buffers or Uint8Arrays"), "ERR_INVALID_ARG_TYPE");
            const n = Math.min(a.length, b.length);
            for (let i = 0; i < n; i++) {
                if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
            }
            return Math.sign(a.length - b.length);
        },
    };
    const bytesOf = (v, encoding) => typeof v === "string" ? encode(v, encoding) : typeof v === "number" ? make(1).fill(v & 255) : v;
    const search = (b, v, from, encoding, step) => {
        if (typeof from === "string") [from, encoding] = [undefined, from];
        const what = bytesOf(v, encoding), last = b.length - what.length;
        let i = from === undefined ? (step > 0 ? 0 : last) : from < 0 ? from + b.length : from;
        if (step > 0 && i < 0) i = 0;
        if (step < 0 && i > last) i = last;
        for (; i >= 0 && i <= last; i += step) {
            let j = 0;
            while (j < what.length && b[i + j] === what[j]) j++;
            if (j === what.length) return i;
        }
        return -1;
    };
    const proto = {
        toString(encoding, start, end) {
            const whole = start === undefined && end === undefined;
            return support("decode", whole ? this : this.subarray(Math.max(0, start | 0), end), kind(encoding));
        },
        toLocaleString(encoding, start, end) { return this.toString(encoding, start, end); },
        toJSON() { return { type: "Buffer", data: Array.from(this) }; },
        slice(a, b) { return this.subarray(a, b); },
        equals(b) { return this === b || Buffer.compare(this, b) === 0; },
        compare(b, ts = 0, te = b.length, ss = 0, se = this.length) { return Buffer.compare(this.subarray(ss, se), b.subarray(ts, te)); },
        indexOf(v, from, encoding) { return search(this, v, from, encoding, 1); },
        lastIndexOf(v, from, encoding) { return search(this, v, from, encoding, -1); },
        includes(v, from, encoding) { return search(this, v, from, encoding, 1) >= 0; },
        copy(target, at = 0, start = 0, end = this.length) {
            const part = this.subarray(start, Math.min(end, start + target.length - at));
            target.set(part, at);
            return part.length;
        },
        fill(v, start, end, encoding) {
            if (typeof start === "string") [start, encoding] = [undefined, start];
            else if (typeof end === "string") [end, encoding] = [undefined, end];
            if (typeof v !== "string" && !(v instanceof U)) return U.prototype.fill.call(this, v & 255, start, end);
            const what = bytesOf(v, encoding), to = end ?? this.length;
            if (what.length === 0) return U.prototype.fill.call(this, 0, start, end);
            for (let i = start ?? 0, j = 0; i < to; i++, j = (j + 1) % what.length) this[i] = what[j];
            return this;
        },
        write(text, at, length, encoding) {
            if (typeof at === "string") [at, encoding] = [0, at];
            else if (typeof length === "string") [length, encoding] = [undefined, length];
            at ??= 0;
            const what = encode(text, encoding);
            let n = Math.min(what.length, this.length - at, length ?? Infinity);
            if (kind(encoding) === "utf8" && n < what.length) while (n > 0 && (what[n] & 0xc0) === 0x80) n--;
            this.set(what.subarray(0, n), at);
            return n;
        },
        swap16() { return swap(this, 2); },
        swap32() { return swap(this, 4); },
        swap64() { return swap(this, 8); },
    };
    const swap = (b, n) => {
        if (b.length % n) throw coded(new RangeError("Buffer size must be a multiple of " + n * 8 + "-bits"), "ERR_INVALID_BUFFER_SIZE");
        for (let i = 0; i < b.length; i += n) b.subarray(i, i + n).reverse();
        return b;
    };

    // Numbers at fixed places: readUInt16LE, writeDoubleBE and their like.
    const view = (b) => new DataView(b.buffer, b.byteOffset, b.byteLength);
    const check = (b, at, n) => {
        if (typeof at !== "number") throw coded(new TypeError('The "offset" argument must be of type number. Received ' + typeof at), "ERR_INVALID_ARG_TYPE");
        if (!Number.isInteger(at)) throw coded(new RangeError('The value of "offset" is out of range. It must be an integer. Received ' + at), "ERR_OUT_OF_RANGE");
        if (at < 0 || at + n > b.length) {
            if (b.length < n) throw coded(new RangeError("Attempt to access memory outside buffer bounds"), "ERR_BUFFER_OUT_OF_BOUNDS");
            throw coded(new RangeError('The value of "offset" is out of range. It must be >= 0 and <= ' + (b.length - n) + ". Received " + at), "ERR_OUT_OF_RANGE");
        }
    };
    const inRange = (v, low, high) => {
        if (v < low || v > high) throw coded(new RangeError('The value of "value" is out of range. It must be >= ' + low + " and <= " + high + ". Received " + v), "ERR_OUT_OF_RANGE");
    };
    const fixed = (name, type, n, low, high) => {
        for (const end of n === 1 ? [""] : ["LE", "BE"]) {
            const get = "get" + type, set = "set" + type, little = end === "LE";
            proto["read" + name + end] = function (at = 0) { check(this, at, n); return view(this)[get](at, little); };
            proto["write" + name + end] = function (v, at = 0) {
                if (low !== undefined) inRange(v, low, high);
                check(this, at, n);
                view(this)[set](at, v, little);
                return at + n;
            };
        }
    };
    for (const [bits, n] of [[8, 1], [16, 2], [32, 4]]) {
        fixed("Int" + bits, "Int" + bits, n, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
        fixed("UInt" + bits, "Uint" + bits, n, 0, 2 ** bits - 1);
    }
    fixed("BigInt64", "BigInt64", 8, -(2n ** 63n), 2n ** 63n - 1n);
    fixed("BigUInt64", "BigUint64", 8, 0n, 2n ** 64n - 1n);
    fixed("Float", "Float32", 4);
    fixed("Double", "Float64", 8);
    for (const little of [true, false]) {
        const end = little ? "LE" : "BE";
        const read = (b, at, n) => {
            check(b, at, n);
            let v = 0;
            for (let i = 0; i < n; i++) v = v * 256 + b[little ? at + n - 1 - i : at + i];
            return v;
        };
        const write = (b, v, at, n) => {
            check(b, at, n);
            for (let i = 0; i < n; i++) {
                b[little ? at + i : at + n - 1 - i] = v % 256;
                v = Math.floor(v / 256);
            }
            return at + n;
        };
        proto["readUInt" + end] = function (at, n) { return read(this, at, n); };
        proto["readInt" + end] = function (at, n) { const v = read(this, at, n); return v >= 2 ** (8 * n - 1) ? v - 2 ** (8 * n) : v; };
        proto["writeUInt" + end] = function (v, at, n) { inRange(v, 0, 2 ** (8 * n) - 1); return write(this, v, at, n); };
        proto["writeInt" + end] = function (v, at, n) {
            inRange(v, -(2 ** (8 * n - 1)), 2 ** (8 * n - 1) - 1);
            return write(this, v < 0 ? v + 2 ** (8 * n) : v, at, n);
        };
    }
    for (const name of Object.keys(proto)) {
        if (name.includes("UInt")) proto[name.replace("UInt", "Uint")] = proto[name];
    }
    const define = (on, members) => {
        for (const name of Object.keys(members)) Object.defineProperty(on, name, { value: members[name], configurable: true, writable: true });
    };
    define(P, proto);
    define(Buffer, statics);
    Buffer.poolSize = 8192;
    Object.defineProperty(P, "parent", { get() { return this.buffer; } });
    Object.defineProperty(P, "offset", { get() { return this.byteOffset; } });
    return { Buffer, wrap };
})
