// Rules that many people want, to begin with.
import { t } from '../base/i18n.svelte';
import type { HookWish } from './hooks';
import { ownZone } from './when';

export interface Preset {
  id: string;
  label: string;
  wish: Partial<HookWish>;
}

export const presets = (): Preset[] => [
  {
    id: 'freezer',
    label: t('hooks.preset_freezer'),
    wish: { name: t('hooks.preset_freezer_name'), filter: 'freezer/temperature', condition: 'payload > -15', edge: true, rearm: 'payload < -17', quiet: 3600, action: 'mail' },
  },
  {
    id: 'pump',
    label: t('hooks.preset_pump'),
    wish: { name: t('hooks.preset_pump_name'), events: ['silence', 'back'], filter: 'pump/state', silence: 600, action: 'mail' },
  },
  {
    id: 'light',
    label: t('hooks.preset_light'),
    wish: { name: t('hooks.preset_light_name'), events: ['schedule'], schedule: '0 23 * * *', zone: ownZone(), action: 'publish', topic: 'light/set', template: 'OFF' },
  },
];
