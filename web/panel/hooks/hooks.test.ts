import { describe, expect, it } from 'vitest';
import { sampleTopic } from './hooks';
import { kindOf, readSpan, readTiming, writeTiming } from './when';

describe('sampleTopic', () => {
  it('matches its filter', () => {
    expect(sampleTopic('home/+/temp')).toBe('home/x/temp');
    expect(sampleTopic('#')).toBe('test');
    expect(sampleTopic('a/#')).toBe('a/test');
    expect(sampleTopic('a')).toBe('a');
  });
});

describe('times', () => {
  it('go through the form and come back as they were', () => {
    for (const text of ['0 23 * * *', '30 6 * * 1,2,3', 'every 15m', 'every 2h', 'at 2026-12-24T18:00', '*/5 * * * *', '0 23 * * mon-fri', '0 0 1 * *', '99 23 * * *', '0,30 8 * * *']) {
      expect(writeTiming(readTiming(text))).toBe(text);
    }
  });
  it('are simple where they can be', () => {
    expect(readTiming('5 7 * * 0,6')).toMatchObject({ mode: 'daily', clock: '07:05', days: [0, 6] });
    expect(readTiming('0 23 * * mon-fri').mode).toBe('cron');
    expect(writeTiming({ ...readTiming(''), days: [5, 1, 5] })).toBe('0 23 * * 1,5');
    expect(writeTiming({ ...readTiming(''), days: [] })).toBe('0 23 * * *');
  });
});

describe('spans', () => {
  it('have the largest unit', () => {
    expect(readSpan(600)).toEqual({ count: '10', unit: 'm' });
    expect(readSpan(86_400)).toEqual({ count: '1', unit: 'd' });
    expect(readSpan(90)).toEqual({ count: '90', unit: 's' });
    expect(readSpan(0)).toEqual({ count: '0', unit: 'm' });
  });
});

describe('kindOf', () => {
  it('is of the events', () => {
    expect(kindOf(['silence', 'back'])).toBe('silence');
    expect(kindOf(['schedule'])).toBe('schedule');
    expect(kindOf(['connect', 'quota'])).toBe('events');
    expect(kindOf([])).toBe('events');
  });
});
