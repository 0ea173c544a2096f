import { describe, expect, it } from 'vitest';
import { sampleTopic } from './hooks';

describe('sampleTopic', () => {
  it('matches its filter', () => {
    expect(sampleTopic('home/+/temp')).toBe('home/x/temp');
    expect(sampleTopic('#')).toBe('test');
    expect(sampleTopic('a/#')).toBe('a/test');
    expect(sampleTopic('a')).toBe('a');
  });
});
