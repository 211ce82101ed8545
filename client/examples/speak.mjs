// Speaks through the WebSocket, without WebRTC, and saves what is said:
//   node client/examples/speak.mjs "Hello, I am here." hello.wav [ws://127.0.0.1:8080]
// Needs Node 20 or newer and the package `ws`. Plays the file as well when ALSA's `aplay` or FFmpeg's `ffplay` is installed.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { WebSocket } from 'ws';

const [text = 'Hello, I am here.', file = 'hello.wav', server = 'ws://127.0.0.1:8080'] = process.argv.slice(2);
const socket = new WebSocket(`${server}/v1/session`, 'visavis.v1');
const send = (message) => socket.send(JSON.stringify(message));
const sound = [];
let sampleRateHz = 0;

const wavHeader = (bytes) => {
  const header = Buffer.from(`RIFF....WAVEfmt ${'.'.repeat(20)}data....`, 'latin1');
  const mono16Bit = [16, 1 | (1 << 16), sampleRateHz, 2 * sampleRateHz, 2 | (16 << 16)];
  for (const [index, value] of mono16Bit.entries()) header.writeUInt32LE(value, 16 + 4 * index);
  header.writeUInt32LE(36 + bytes, 4);
  header.writeUInt32LE(bytes, 40);
  return header;
};
const listeners = {
  'session.opened': ({ audio }) => {
    ({ sampleRateHz } = audio);
    // Word by word, as a language model would write it.
    for (const word of text.match(/\S+\s*/g) ?? []) send({ type: 'utterance.append', utterance: 'hello', text: word });
    send({ type: 'utterance.end', utterance: 'hello' });
  },
  'utterance.words': ({ words }) => console.log(words.map((word) => `${word.startMs} ms ${word.text}`).join('\n')),
  'utterance.finished': () => {
    const pcm = Buffer.concat(sound);
    writeFileSync(file, Buffer.concat([wavHeader(pcm.length), pcm]));
    console.log(`${file}: ${(pcm.length / 2 / sampleRateHz).toFixed(2)} s`);
    socket.close();
    if (spawnSync('aplay', ['-q', file]).error) spawnSync('ffplay', ['-v', 'error', '-nodisp', '-autoexit', file]);
  },
  error: ({ message }) => {
    console.error(message);
    process.exit(1);
  },
};
// leadMs null: as fast as it is made.
const media = { transport: 'websocket', audio: { codec: 'pcm_s16le' }, leadMs: null };
socket.on('open', () => send({ type: 'session.open', media }));
socket.on('error', ({ message }) => listeners.error({ message }));
socket.on('message', (data, binary) => {
  // A binary frame is a header of 12 bytes, its first byte the kind (1: sound), and then 16-bit samples.
  if (!binary) listeners[JSON.parse(data).type]?.(JSON.parse(data));
  else if (data[0] === 1) sound.push(data.subarray(12));
});
