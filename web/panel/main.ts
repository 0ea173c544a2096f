import './base/tokens.css';
import './base/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { firstLanguage, useLanguage } from './base/i18n.svelte';

// A tab that outlived an update asks for parts that are gone: take the new version, once.
window.addEventListener('vite:preloadError', (event) => {
  const key = 'tsunagi.reloaded';
  if (Date.now() - Number(sessionStorage.getItem(key) ?? 0) < 10_000) return;
  sessionStorage.setItem(key, String(Date.now()));
  event.preventDefault();
  location.reload();
});

await useLanguage(firstLanguage());
mount(App, { target: document.getElementById('app')! });
