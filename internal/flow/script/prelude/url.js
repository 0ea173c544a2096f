(function (support) {
    "use strict";
    const plus = (s) => {
        try { return decodeURIComponent(s.replace(/\+/g, " ")); } catch { return s; }
    };
    const quote = (s) => encodeURIComponent(s).replace(/%20/g, "+").replace(/[!'()~]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());

    class URLSearchParams {
        #list = [];
        #changed = () => {};
        constructor(init = "", changed) {
            if (changed) this.#changed = changed;
            if (init !== null && typeof init === "object") {
                const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
                for (const [k, v] of pairs) this.#list.push([String(k), String(v)]);
                return;
            }
            for (const pair of String(init).replace(/^\?/, "").split("&")) {
                if (pair === "") continue;
                const at = pair.indexOf("=");
                this.#list.push(at < 0 ? [plus(pair), ""] : [plus(pair.slice(0, at)), plus(pair.slice(at + 1))]);
            }
        }
        get size() { return this.#list.length; }
        append(k, v) { this.#list.push([String(k), String(v)]); this.#changed(); }
        delete(k, v) { this.#list = this.#list.filter((p) => p[0] !== String(k) || v !== undefined && p[1] !== String(v)); this.#changed(); }
        get(k) { return this.#list.find((p) => p[0] === String(k))?.[1] ?? null; }
        getAll(k) { return this.#list.filter((p) => p[0] === String(k)).map((p) => p[1]); }
        has(k, v) { return this.#list.some((p) => p[0] === String(k) && (v === undefined || p[1] === String(v))); }
        set(k, v) {
            const first = this.#list.find((p) => p[0] === String(k));
            if (!first) return this.append(k, v);
            first[1] = String(v);
            this.#list = this.#list.filter((p) => p === first || p[0] !== String(k));
            this.#changed();
        }
        sort() { this.#list.sort((a, b) => a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0); this.#changed(); }
        forEach(f, self) { for (const [k, v] of this.#list) f.call(self, v, k, this); }
        *entries() { for (const p of this.#list) yield [...p]; }
        *keys() { for (const p of this.#list) yield p[0]; }
        *values() { for (const p of this.#list) yield p[1]; }
        [Symbol.iterator]() { return this.entries(); }
        toString() { return this.#list.map((p) => quote(p[0]) + "=" + quote(p[1])).join("&"); }
        get [Symbol.toStringTag]() { return "URLSearchParams"; }
    }

    class URL {
        #p;
        #query;
        constructor(text, base) {
            if (arguments.length === 0) throw new TypeError('The "url" argument must be specified');
            const input = String(text);
            try {
                this.#p = support("url", input, base === undefined ? undefined : String(base));
            } catch (e) {
                e.code = "ERR_INVALID_URL";
                e.input = input;
                throw e;
            }
        }
        static canParse(text, base) { try { new URL(text, base); return true; } catch { return false; } }
        static parse(text, base) { try { return new URL(text, base); } catch { return null; } }
        get href() {
            const p = this.#p;
            const login = p.username || p.password ? p.username + (p.password ? ":" + p.password : "") + "@" : "";
            return p.protocol + (p.slashes ? "//" : "") + login + this.host + p.pathname + p.search + p.hash;
        }
        set href(v) { this.#p = support("url", String(v)); this.#query = undefined; }
        get origin() { return /^(https?|wss?|ftp):$/.test(this.#p.protocol) ? this.#p.protocol + "//" + this.host : "null"; }
        get protocol() { return this.#p.protocol; }
        set protocol(v) { this.#p.protocol = String(v).replace(/:.*$/, "").toLowerCase() + ":"; }
        get username() { return this.#p.username; }
        set username(v) { this.#p.username = encodeURIComponent(v); }
        get password() { return this.#p.password; }
        set password(v) { this.#p.password = encodeURIComponent(v); }
        get host() { return this.#p.hostname + (this.#p.port ? ":" + this.#p.port : ""); }
        set host(v) { const m = /^(.*?)(?::(\d+))?$/.exec(String(v)); this.#p.hostname = m[1]; this.#p.port = m[2] ?? ""; }
        get hostname() { return this.#p.hostname; }
        set hostname(v) { this.#p.hostname = String(v); }
        get port() { return this.#p.port; }
        set port(v) { this.#p.port = String(v); }
        get pathname() { return this.#p.pathname; }
        set pathname(v) { v = encodeURI(String(v)).replace(/[?#]/g, encodeURIComponent); this.#p.pathname = v.startsWith("/") ? v : "/" + v; }
        get search() { return this.#p.search; }
        set search(v) { v = String(v).replace(/^\?/, ""); this.#p.search = v ? "?" + v : ""; this.#query = undefined; }
        get searchParams() {
            return this.#query ??= new URLSearchParams(this.#p.search, () => {
                const s = this.#query.toString();
                this.#p.search = s ? "?" + s : "";
            });
        }
        get hash() { return this.#p.hash; }
        set hash(v) { v = String(v).replace(/^#/, ""); this.#p.hash = v ? "#" + v : ""; }
        toString() { return this.href; }
        toJSON() { return this.href; }
        get [Symbol.toStringTag]() { return "URL"; }
    }
    return { URL, URLSearchParams };
})
