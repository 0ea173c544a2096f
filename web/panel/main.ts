import './base/tokens.css';
import './base/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { firstLanguage, useLanguage } from './base/i18n.svelte';
import { watchParts } from './base/parts.svelte';

watchParts();
await useLanguage(firstLanguage());
mount(App, { target: document.getElementById('app')! });
