// Speaks through the WebSocket, without WebRTC, and saves what it hears (package `ws`, Node 20 or newer):
//   node client/examples/speak.mjs "Hello, I am here." hello.wav [ws://127.0.0.1:8080]
import { writeFileSync } from 'node:fs';
import { WebSocket } from 'ws';

const [text = 'Hello, I am here.', file = 'hello.wav', server = 'ws://127.0.0.1:8080'] = process.argv.slice(2);
const socket = new WebSocket(`${server}/v1/session`, 'visavis.v1');
const send = (message) => socket.send(JSON.stringify(message));
const sound = [];
let rate = 0;

// leadMs null: the sound comes as fast as it is made.
const media = { transport: 'websocket', audio: { codec: 'pcm_s16le' }, leadMs: null };
socket.on('open', () => send({ type: 'session.open', media }));
socket.on('error', (error) => console.error(error.message));
socket.on('message', (data, binary) => {
  // A binary frame is 12 bytes of header, its first byte the kind (1: sound), then 16-bit samples.
  if (binary) return data[0] === 1 && sound.push(data.subarray(12));
  const message = JSON.parse(data);
  if (message.type === 'session.opened') {
    rate = message.audio.sampleRateHz;
    // Word by word, as a language model would write it.
    for (const word of text.match(/\S+\s*/g) ?? []) send({ type: 'utterance.append', utterance: 'u1', text: word });
    send({ type: 'utterance.end', utterance: 'u1' });
  }
  if (message.type === 'utterance.words')
    for (const word of message.words) console.log(`${word.startMs} ms ${word.text}`);
  if (message.type === 'error') console.error(message.message);
  if (message.type === 'utterance.finished') socket.close();
});
socket.on('close', () => {
  const pcm = Buffer.concat(sound);
  // 'RIFF', size, 'WAVE', 'fmt ', 16, PCM mono, rate, bytes a second, 16 bit, 'data', size
  const words = [
    0x46464952,
    36 + pcm.length,
    0x45564157,
    0x20746d66,
    16,
    0x10001,
    rate,
    2 * rate,
    0x100002,
    0x61746164,
  ];
  const header = Buffer.from(Uint32Array.of(...words, pcm.length).buffer);
  writeFileSync(file, Buffer.concat([header, pcm]));
  console.log(`${file}: ${(pcm.length / 2 / rate).toFixed(2)} s`);
});
