/** The TCP port of Wyoming. Its connections take a place only while they are spoken to. */
import { once } from 'node:events';
import { type Socket, createServer } from 'node:net';
import type { SpeechHost } from '../adapters/core/adapter.ts';
import { Inactivity } from '../adapters/core/inactivity.ts';
import { WyomingConnection } from '../adapters/wyoming.ts';

export interface WyomingPort {
  /** `tcp://host:port`; null: it does not listen yet. */
  readonly address: string | null;
  /** @throws the system's error when the port is taken */
  listen(port: number, host: string): Promise<void>;
  /** Closes port and connections; idempotent. */
  close(): void;
}

/** @param limits - connections are cheap until they speak, so that many more may be open than sessions */
export const createWyomingPort = (
  host: SpeechHost,
  limits: { readonly wyomingConnections: number; readonly wyomingIdleMs: number },
): WyomingPort => {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    const peer = new WyomingConnection(host, {
      send: (bytes) => socket.write(bytes),
      unsentBytes: () => socket.writableLength,
      close: () => socket.end(),
    });
    const busy = () => peer.busy();
    const idle = new Inactivity(host.clock, limits.wyomingIdleMs, busy, () => socket.destroy());
    socket.on('data', (bytes) => {
      idle.touch();
      peer.onData(bytes);
    });
    socket.on('error', (error) => host.log.info({ adapter: 'wyoming', err: error }, 'connection failed'));
    socket.on('close', () => {
      open.delete(socket);
      idle.stop();
      peer.onClose();
    });
  });
  server.maxConnections = limits.wyomingConnections;

  return {
    get address() {
      const address = server.address();
      if (address === null || typeof address === 'string') return null;
      const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
      return `tcp://${name}:${address.port}`;
    },
    async listen(port, name) {
      server.listen(port, name);
      await once(server, 'listening');
      server.on('error', (error) => host.log.error({ adapter: 'wyoming', err: error }, 'port failed'));
    },
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
};
