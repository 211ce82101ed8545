// Speaks through the WebSocket, without WebRTC, and saves what it hears (package `ws`, Node 20 or newer):
//   node client/examples/speak.mjs "Hello, I am here." hello.wav [ws://127.0.0.1:8080]
import { writeFileSync } from 'node:fs';
import { WebSocket } from 'ws';

const [text = 'Hello, I am here.', file = 'hello.wav', server = 'ws://127.0.0.1:8080'] = process.argv.slice(2);
const socket = new WebSocket(`${server}/v1/session`, 'visavis.v1');
const send = (message) => socket.send(JSON.stringify(message));
const sound = [Buffer.from('RIFF    WAVEfmt \x10\0\0\0\x01\0\x01\0rateratx\x02\0\x10\0data    ', 'latin1')];

socket.on('error', (error) => console.error(error.message));
socket.on('open', () => {
  // leadMs null: the sound comes as fast as it is made.
  send({ type: 'session.open', media: { transport: 'websocket', audio: { codec: 'pcm_s16le' }, leadMs: null } });
  // Word by word, as a language model would write it.
  for (const word of text.match(/\S+\s*/g) ?? []) send({ type: 'utterance.append', utterance: 'u1', text: word });
  send({ type: 'utterance.end', utterance: 'u1' });
});
socket.on('message', (data, binary) => {
  // A binary frame is 12 bytes of header, its first byte the kind (1: sound), then 16-bit samples.
  if (binary) return data[0] === 1 && sound.push(data.subarray(12));
  const { type, message, audio, words = [] } = JSON.parse(data);
  for (const word of words) console.log(`${word.startMs} ms ${word.text}`);
  if (type === 'error') console.error(message);
  if (type === 'session.opened')
    sound[0].set(new Uint8Array(Uint32Array.of(audio.sampleRateHz, 2 * audio.sampleRateHz).buffer), 24);
  if (type === 'utterance.finished') socket.close();
});
socket.on('close', () => {
  const wav = Buffer.concat(sound);
  for (const at of [4, 40]) wav.writeUInt32LE(wav.length - at - 4, at);
  writeFileSync(file, wav);
});
