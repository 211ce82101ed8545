import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlayoutSchedule } from '../../client/library/playout-schedule.ts';

const PACKET_MS = 20;
const sound = (mediaMs: number, silent = false) => ({ mediaMs, durationMs: PACKET_MS, silent });

/** Packets that come every 20 ms; gives when each is played. */
const receive = (schedule: PlayoutSchedule, from: number, count: number, startMs: number, silent = false) =>
  Array.from({ length: count }, (_, i) => schedule.place(sound(from + i * PACKET_MS, silent), startMs + i * PACKET_MS));

describe('PlayoutSchedule', () => {
  it('holds sound back and joins packets without a gap', () => {
    const schedule = new PlayoutSchedule();
    expect(receive(schedule, 5000, 4, 100)).toEqual([220, 240, 260, 280]);
    expect(schedule.mediaMsAt(230)).toBe(5010);
    expect(schedule.waitingMs(160)).toBe(140);
  });

  it('tells the media time before its first packet and stops at the end of its last', () => {
    const schedule = new PlayoutSchedule();
    expect(schedule.mediaMsAt(0)).toBeNull();
    schedule.place(sound(5000), 100);
    expect(schedule.mediaMsAt(200)).toBe(4980);
    expect(schedule.mediaMsAt(900)).toBe(5020);
  });

  it('holds back longer after a gap, loses none of the speech, and gives the delay back in silence', () => {
    const schedule = new PlayoutSchedule();
    receive(schedule, 0, 10, 0);
    const late = receive(schedule, 200, 10, 1000);
    expect(schedule.gaps).toBe(1);
    expect(late[0]).toBe(1180);
    expect(late).not.toContain(null);

    // Half a second comes at once: too much waits, and silence is left out until it does not.
    for (let i = 0; i < 25; i += 1) schedule.place(sound(400 + i * PACKET_MS), 1200);
    const before = schedule.waitingMs(1200);
    const silence = Array.from({ length: 60 }, (_, i) =>
      schedule.place(sound(900 + i * PACKET_MS, true), 1200 + i * PACKET_MS),
    );
    expect(silence).toContain(null);
    expect(schedule.waitingMs(2400)).toBeLessThan(before / 2);
  });

  it('takes a pause of the sender for no gap', () => {
    const schedule = new PlayoutSchedule();
    receive(schedule, 0, 10, 0);
    expect(schedule.place(sound(1000), 1000)).toBe(1120);
    expect(schedule.gaps).toBe(0);
  });

  it('maps media time exactly over what was left out', () => {
    const schedule = new PlayoutSchedule();
    for (let i = 0; i < 20; i += 1) schedule.place(sound(i * PACKET_MS), 0);
    expect(schedule.place(sound(400, true), 0)).toBeNull();
    const atMs = schedule.place(sound(420), 0);
    expect(atMs).toBe(520);
    expect(schedule.mediaMsAt(519)).toBe(399);
    expect(schedule.mediaMsAt(520)).toBe(420);
  });

  it('keeps ten seconds at most', () => {
    const schedule = new PlayoutSchedule();
    for (let i = 0; i < 2000; i += 1) schedule.place(sound(i * PACKET_MS), 0);
    expect(schedule.waitingMs(0)).toBeLessThanOrEqual(10_020);
  });

  it('forgets what waits when it is cleared', () => {
    const schedule = new PlayoutSchedule();
    receive(schedule, 0, 10, 0);
    schedule.clear();
    expect(schedule.mediaMsAt(300)).toBeNull();
    expect(schedule.place(sound(900), 300)).toBe(420);
  });

  it('never plays two packets at once, whenever they come', () => {
    const arrivals = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.boolean()), {
      minLength: 1,
      maxLength: 200,
    });
    fc.assert(
      fc.property(arrivals, (packets) => {
        const schedule = new PlayoutSchedule();
        let nowMs = 0;
        let endMs = 0;
        return packets.every(([pauseMs, silent], i) => {
          nowMs += pauseMs;
          const atMs = schedule.place(sound(i * PACKET_MS, silent), nowMs);
          if (atMs === null) return true;
          const isInTime = atMs >= endMs && atMs >= nowMs;
          endMs = atMs + PACKET_MS;
          return isInTime;
        });
      }),
    );
  });
});
