// Says what comes on standard input while it comes, as from a language model, and saves the sound (Node 20 or newer):
//   ollama run llama3.2 "Tell me a story." | node client/examples/token-stream.mjs story.wav [http://127.0.0.1:8080]
// Elsewhere than in this repository: `npm install visavis ws`. Node 22 and newer need no `ws`.
import { writeFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { connect } from 'visavis/client';

const [file = 'story.wav', url = 'http://127.0.0.1:8080'] = process.argv.slice(2);
const pcm = [];

// leadMs null: sound comes as fast as it is made.
const session = await connect({ url, WebSocket, media: { audio: { codec: 'pcm_s16le' }, leadMs: null } });
session.on('sound', ({ payload }) => pcm.push(payload));
session.on('utterance.words', ({ words }) => words.forEach(({ text }) => process.stdout.write(`${text} `)));

const { finished } = session.say(process.stdin.setEncoding('utf8'));
const { reason, durationMs } = await finished;
console.log(`\n${reason}, ${(durationMs / 1000).toFixed(1)} s, in ${file}`);

const { sampleRateHz } = session.opened.audio;
const sound = Buffer.concat(pcm);
const header = Buffer.from('RIFF    WAVEfmt \x10\0\0\0\x01\0\x01\0rateratx\x02\0\x10\0datasize', 'latin1');
header.writeUInt32LE(36 + sound.length, 4);
header.writeUInt32LE(sampleRateHz, 24);
header.writeUInt32LE(2 * sampleRateHz, 28);
header.writeUInt32LE(sound.length, 40);
writeFileSync(file, Buffer.concat([header, sound]));
session.close();
