// Two small Vite plug-ins of the panel's build.
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Prefixes of catalogue keys that only the Go side shows; pages don't carry them. */
export const goOnly = ['api.'];

/** catalogue drops the texts that only the Go side uses from web/locales/*.json. */
export function catalogue() {
  return {
    name: 'tsunagi-catalogue',
    enforce: 'pre',
    transform(code, id) {
      if (!/\/locales\/[a-z]+\.json$/.test(id.split('?')[0])) return null;
      const texts = Object.entries(JSON.parse(code)).filter(
        ([key]) => !goOnly.some((prefix) => key.startsWith(prefix)),
      );
      return { code: JSON.stringify(Object.fromEntries(texts)), map: null };
    },
  };
}

const firstLoad = 150_000; // bytes, packed: what must arrive before the sign-in page works

/** budget stops a build whose first load has grown beyond its bound. */
export function budget() {
  return {
    name: 'tsunagi-budget',
    apply: 'build',
    generateBundle(_options, bundle) {
      const names = new Set();
      const visit = (name) => {
        const part = bundle[name];
        if (!part || names.has(name)) return;
        names.add(name);
        if (part.type === 'chunk') [...part.imports, ...(part.viteMetadata?.importedCss ?? [])].forEach(visit);
      };
      for (const [name, part] of Object.entries(bundle)) {
        if (part.type === 'chunk' && (part.isEntry || /SignInPage|InstancesPage|locales/.test(part.facadeModuleId ?? ''))) visit(name);
      }
      const bytes = [...names].reduce((sum, name) => sum + gzipSync(bundle[name].code ?? bundle[name].source).length, 0);
      if (bytes > firstLoad) this.error(`first load is ${bytes} bytes packed, more than ${firstLoad}`);
      this.info(`first load ${(bytes / 1000).toFixed(0)} kB packed, both languages counted`);
    },
  };
}

/**
 * licences writes licences.txt: the licence of every package that can be part of the pages. It goes
 * by the lock file, since MQTT.js comes with its own parts already inside. Equal texts stand once.
 */
export function licences() {
  return {
    name: 'tsunagi-licences',
    apply: 'build',
    generateBundle() {
      const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
      const texts = new Map(); // text → packages under it
      for (const [dir, { dev, version, license }] of Object.entries(packages)) {
        if (!dir || dev || dir.includes('@types/') || !existsSync(dir)) continue;
        const file = readdirSync(dir).find((name) => /^(licen[cs]e|copying)(\.|$)/i.test(name));
        const text = file ? readFileSync(join(dir, file), 'utf8').trim() : `Licence: ${license}`;
        const name = `${dir.replace(/.*node_modules\//, '')} ${version}`;
        texts.set(text, [...(texts.get(text) ?? []), name]);
      }
      const source = [...texts].map(([text, names]) => `${names.join(', ')}\n\n${text}\n`).join(`\n${'-'.repeat(80)}\n\n`);
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source });
    },
  };
}

/** precompress writes file.gz in place of every text file of the output where that saves something; pages stay beside it. */
export function precompress() {
  let outDir = '';
  return {
    name: 'tsunagi-precompress',
    apply: 'build',
    configResolved(config) {
      outDir = join(config.root, config.build.outDir);
    },
    closeBundle() {
      for (const file of walk(outDir)) {
        if (!/\.(html|js|css|svg|json|txt|webmanifest)$/.test(file)) continue;
        const raw = readFileSync(file);
        const packed = gzipSync(raw, { level: 9 });
        if (packed.length >= raw.length * 0.9) continue;
        writeFileSync(file + '.gz', packed);
        if (!file.endsWith('.html')) rmSync(file);
      }
    },
  };
}

function* walk(dir) {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (statSync(path).isDirectory()) yield* walk(path);
    else yield path;
  }
}
