/**
 * A bad network between a viewer and a server on this machine: a relay that behaves as a NAT. Each address of the viewer gets
 * an address of its own towards the server, as long as the binding lives.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { Impairment, type ImpairmentCounts, type ImpairmentOptions } from './impairment.ts';

const HOST = '127.0.0.1';

export interface UdpRelay extends AsyncDisposable {
  /** Datagrams towards the viewer and towards the server. */
  readonly counts: { readonly toViewer: ImpairmentCounts; readonly toServer: ImpairmentCounts };
  /** The server's answer with one candidate: this relay. */
  through(answer: string): string;
  /** Makes the network so from now on: both directions, or the viewer's direction and the server's. */
  set(toViewer: ImpairmentOptions, toServer?: ImpairmentOptions): void;
  /** Nothing passes until `lit`. */
  darken(): void;
  light(): void;
  /** The viewer's addresses change: its old ones reach it no more. */
  rebind(): void;
}

/** The offer without addresses, so that the server learns the viewer's from its checks alone, as behind a NAT. */
export const withoutCandidates = (offer: string): string =>
  offer
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('a=candidate:') && line !== 'a=end-of-candidates')
    .join('\r\n');

/** @param seed - decides which datagrams are lost and how late the others are. */
export const createUdpRelay = async (seed: number): Promise<UdpRelay> => {
  const toViewer = new Impairment(seed, 1);
  const toServer = new Impairment(seed, 2);
  const front = createSocket('udp4');
  front.bind(0, HOST);
  await once(front, 'listening');
  const bindings = new Map<string, Socket>();
  const timers = new Set<NodeJS.Timeout>();
  let server: { readonly host: string; readonly port: number } | null = null;
  let isDark = false;
  let isClosed = false;

  const pass = (impairment: Impairment, bytes: number, deliver: () => void): void => {
    const nowMs = performance.now();
    for (const dueMs of impairment.pass(nowMs, bytes)) {
      if (dueMs <= nowMs) {
        deliver();
        continue;
      }
      const timer = setTimeout(() => {
        timers.delete(timer);
        deliver();
      }, dueMs - nowMs);
      timers.add(timer);
    }
  };

  const bind = (viewer: AddressInfo | { address: string; port: number }): Socket => {
    const key = `${viewer.address}:${viewer.port}`;
    const socket = createSocket('udp4');
    // What the other side has closed answers with ICMP errors.
    socket.on('error', () => undefined);
    socket.on('message', (datagram) => {
      if (isDark || bindings.get(key) !== socket) return;
      pass(toViewer, datagram.length, () => {
        if (!isClosed && !isDark) front.send(datagram, viewer.port, viewer.address);
      });
    });
    bindings.set(key, socket);
    return socket;
  };

  front.on('error', () => undefined);
  front.on('message', (datagram, viewer) => {
    if (isDark || server === null) return;
    const { host, port } = server;
    pass(toServer, datagram.length, () => {
      if (isClosed || isDark) return;
      (bindings.get(`${viewer.address}:${viewer.port}`) ?? bind(viewer)).send(datagram, port, host);
    });
  });

  const release = (): void => {
    for (const socket of bindings.values()) socket.close();
    bindings.clear();
  };

  return {
    counts: { toViewer: toViewer.counts, toServer: toServer.counts },
    through(answer) {
      const lines = answer.split(/\r?\n/);
      const found = lines.find((line) => line.startsWith('a=candidate:') && line.includes(` ${HOST} `));
      if (found === undefined) throw new Error(`The answer offers no candidate at ${HOST}.`);
      const fields = found.split(' ');
      server = { host: HOST, port: Number(fields[5]) };
      fields[5] = String(front.address().port);
      const relayed = fields.join(' ');
      return lines
        .filter((line) => !line.startsWith('a=candidate:') || line === found)
        .map((line) => (line === found ? relayed : line))
        .join('\r\n');
    },
    set(forViewer, forServer = forViewer) {
      toViewer.set(forViewer);
      toServer.set(forServer);
    },
    darken() {
      isDark = true;
    },
    light() {
      isDark = false;
    },
    rebind: release,
    async [Symbol.asyncDispose]() {
      if (isClosed) return;
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
      release();
      await new Promise<void>((resolve) => {
        front.close(() => resolve());
      });
    },
  };
};
