(function (support, part) {
    "use strict";
    const special = (v) => {
        if (typeof v === "function") return v.name ? `[Function: ${v.name}]` : "[Function (anonymous)]";
        if (typeof v === "symbol") return String(v);
        if (typeof v === "bigint") return v + "n";
        if (v instanceof Error) return v.stack || String(v);
        if (v instanceof RegExp) return String(v);
        if (v instanceof Map) return `Map(${v.size}) {` + (v.size ? " " : "") + [...v].map(([k, e]) => inspect(k) + " => " + inspect(e)).join(", ") + (v.size ? " }" : "}");
        if (v instanceof Set) return `Set(${v.size}) {` + (v.size ? " " : "") + [...v].map((e) => inspect(e)).join(", ") + (v.size ? " }" : "}");
        if (v instanceof Promise) return "Promise { <pending> }";
    };
    const inspect = (v, options) => {
        const s = special(v);
        if (s !== undefined) return s;
        const depth = options && typeof options === "object" && options.depth !== undefined ? options.depth : 2;
        try {
            return support("inspect", v, depth === null || depth > 1000 ? 1000 : depth);
        } catch (e) {
            return `[${e.message}]`;
        }
    };
    const format = (...rest) => {
        const out = [], some = rest.length > 0, first = rest.shift();
        if (typeof first === "string") {
            out.push(first.replace(/%[sdifjoOc%]/g, (m) => {
                if (m === "%%") return "%";
                if (rest.length === 0) return m;
                const v = rest.shift();
                switch (m) {
                    case "%s": return typeof v === "object" && v !== null ? inspect(v, { depth: 0 }) : typeof v === "bigint" ? v + "n" : Object.is(v, -0) ? "-0" : String(v);
                    case "%d": return typeof v === "bigint" ? v + "n" : typeof v === "object" ? "NaN" : String(Number(v));
                    case "%i": return typeof v === "bigint" ? v + "n" : typeof v === "object" ? "NaN" : String(parseInt(v));
                    case "%f": return String(parseFloat(v));
                    case "%j": try { return JSON.stringify(v); } catch { return "[Circular]"; }
                    case "%c": return "";
                    default: return inspect(v, { depth: 4 });
                }
            }));
        } else if (some) out.push(inspect(first));
        for (const v of rest) out.push(typeof v === "string" ? v : inspect(v));
        return out.join(" ");
    };
    const custom = Symbol.for("nodejs.util.promisify.custom");
    const promisify = (f) => {
        if (typeof f !== "function") throw new TypeError('The "original" argument must be of type function');
        if (f[custom]) return f[custom];
        return function (...args) {
            return new Promise((ok, bad) => f.call(this, ...args, (e, v) => e ? bad(e) : ok(v)));
        };
    };
    promisify.custom = custom;
    const same = (a, b) => {
        if (Object.is(a, b)) return true;
        if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
        if (a instanceof Date) return Object.is(a.getTime(), b.getTime());
        const k = Object.keys(a);
        return k.length === Object.keys(b).length && k.every((n) => Object.hasOwn(b, n) && same(a[n], b[n]));
    };
    const util = {
        inspect, format, promisify, isDeepStrictEqual: same, isArray: Array.isArray,
        callbackify: (f) => (...args) => { const done = args.pop(); f(...args).then((v) => done(null, v), (e) => done(e)); },
        deprecate: (f) => f,
        inherits: (c, p) => Object.setPrototypeOf(c.prototype, p.prototype),
        types: {
            isDate: (v) => v instanceof Date, isRegExp: (v) => v instanceof RegExp, isPromise: (v) => v instanceof Promise,
            isMap: (v) => v instanceof Map, isSet: (v) => v instanceof Set, isTypedArray: (v) => ArrayBuffer.isView(v) && !(v instanceof DataView),
        },
        get TextEncoder() { return part("text").TextEncoder; },
        get TextDecoder() { return part("text").TextDecoder; },
    };
    return { util, promisify };
})
