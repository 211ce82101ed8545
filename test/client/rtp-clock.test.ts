import { describe, expect, it } from 'vitest';
import { RtpClock } from '../../client/library/rtp-clock.ts';

const FRAME_TICKS = 3600;

describe('RtpClock', () => {
  it('knows nothing before a base is set', () => {
    const clock = new RtpClock(90_000);
    expect(clock.observe(1000, 0)).toBeNull();
    expect(clock.mediaMsAt(0)).toBeNull();
  });

  it('tells the media time between frames', () => {
    const clock = new RtpClock(90_000);
    clock.setBase(9000, 500);
    expect(clock.observe(9000, 10_000)).toBe(500);
    expect(clock.observe(9000 + FRAME_TICKS, 10_040)).toBe(540);
    expect(clock.mediaMsAt(10_050)).toBe(550);
  });

  it('follows timestamps that wrap around', () => {
    const clock = new RtpClock(90_000);
    clock.setBase(2 ** 32 - FRAME_TICKS, 0);
    expect(clock.observe(0, 40)).toBe(40);
    expect(clock.observe(FRAME_TICKS, 80)).toBe(80);
  });

  it('takes a frame that is older than the base', () => {
    const clock = new RtpClock(90_000);
    clock.setBase(FRAME_TICKS, 100);
    expect(clock.observe(0, 0)).toBe(60);
  });

  it('evens out the rhythm of the screen', () => {
    const clock = new RtpClock(90_000);
    clock.setBase(0, 0);
    for (let frame = 0; frame < 100; frame += 1) clock.observe(frame * FRAME_TICKS, frame * 40 + (frame % 3) * 8);
    expect(clock.mediaMsAt(4000)).toBeCloseTo(4000 - 8, -1);
  });

  it('takes over a stall at once', () => {
    const clock = new RtpClock(90_000);
    clock.setBase(0, 0);
    clock.observe(0, 0);
    clock.observe(FRAME_TICKS, 1040);
    expect(clock.mediaMsAt(1040)).toBe(40);
  });
});
