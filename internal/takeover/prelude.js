(function (host) {
    "use strict";
    // A settings file is run as Node.js would run it, but with nothing of the machine within
    // reach: what it requires is a stand-in, of which only path does something.
    const needed = [];
    const standIn = (name) => {
        const f = function () { return standIn(name + "()"); };
        return new Proxy(f, {
            get: (_, key) => key === Symbol.toPrimitive ? () => "[" + name + "]" : key === "$needs" ? name : key === "then" ? undefined : standIn(name + "." + String(key)),
            apply: () => standIn(name + "()"), construct: () => standIn(name + "()"),
        });
    };
    const normal = (text) => {
        const out = [];
        for (const part of text.split("/")) {
            if (part === "" || part === ".") continue;
            if (part === ".." && out.length && out.at(-1) !== "..") out.pop();
            else if (part !== ".." || !text.startsWith("/")) out.push(part);
        }
        return (text.startsWith("/") ? "/" : "") + out.join("/") || ".";
    };
    const join = (...parts) => normal(parts.filter((p) => p !== "").join("/"));
    const resolve = (...parts) => {
        let at = host.dir;
        for (const p of parts) at = String(p).startsWith("/") ? String(p) : at + "/" + p;
        return normal(at);
    };
    const dirname = (p) => normal(p.slice(0, Math.max(p.lastIndexOf("/"), 0)) || (p.startsWith("/") ? "/" : "."));
    const basename = (p, ext = "") => { const b = p.slice(p.lastIndexOf("/") + 1); return ext && b.endsWith(ext) ? b.slice(0, -ext.length) : b; };
    const path = { join, resolve, dirname, basename, normalize: normal, sep: "/", isAbsolute: (p) => p.startsWith("/"), extname: (p) => (/\.[^./]*$/.exec(p) ?? [""])[0] };
    path.posix = path;
    const require = (name) => {
        name = String(name).replace(/^node:/, "");
        if (name === "path") return path;
        needed.push(name);
        return standIn(name);
    };
    require.resolve = (name) => name;
    globalThis.module = { exports: {} };
    globalThis.exports = module.exports;
    globalThis.require = require;
    globalThis.__dirname = host.dir;
    globalThis.__filename = host.dir + "/settings.js";
    globalThis.global = globalThis;
    globalThis.process = { env: host.env, platform: "linux", argv: [], version: "v24.0.0", versions: {}, cwd: () => host.dir, exit: () => {}, on: () => {} };
    globalThis.setTimeout = globalThis.setInterval = () => 0;
    const nothing = () => {};
    globalThis.console = { log: nothing, info: nothing, warn: nothing, error: nothing, debug: nothing };

    // plain makes data of what a settings file exports: functions and stand-ins are named.
    const plain = (v, depth) => {
        if (typeof v === "function") {
            const needs = v.$needs;
            return typeof needs === "string" ? { $needs: needs } : { $function: true };
        }
        if (typeof v === "string") return v.slice(0, 65536);
        if (typeof v !== "object" || v === null) return v;
        if (depth > 8) return { $deep: true };
        if (Array.isArray(v)) return v.slice(0, 1000).map((e) => plain(e, depth + 1));
        const out = {};
        for (const key of Object.keys(v).slice(0, 1000)) out[key] = plain(v[key], depth + 1);
        return out;
    };
    return () => ({ settings: plain(module.exports, 0), needed });
})
