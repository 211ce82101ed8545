/** What the page says, in English. The other languages have the same keys: see `Texts`. */

export const en = {
  language: 'English',
  title: 'vis-à-vis: talk to an avatar',
  description: 'Type a sentence and a person answers out loud, live.',

  connecting: 'Connecting',
  ready: 'Ready',
  thinking: 'Thinking',
  speaking: 'Speaking',
  reconnecting: 'Reconnecting',

  avatarRegion: 'The avatar',
  talkRegion: 'Talk',
  settingsRegion: 'Voice and avatar',
  statsRegion: 'Measurements of the last minute',
  conversationRegion: 'Conversation',
  captionRegion: 'Caption',
  examplesRegion: 'Examples',
  languageChoice: 'Language',

  provenance: 'AI-generated',
  soundOn: 'Turn sound on',
  soundOff: 'Turn sound off',
  captionEmpty: 'Write something, and hear it said.',

  textLabel: 'What the avatar says',
  /** @param language - Of the voice, when it is not the page's: in that language's name on this page. */
  textPlaceholder: (language: string | null) => (language ? `Type a sentence in ${language}…` : 'Type a sentence…'),
  chatLabel: 'What you say',
  chatPlaceholder: 'Say something…',
  chatYou: 'You',
  chatAvatar: 'Avatar',
  chatClear: 'New conversation',
  chatFailed: (reason: string) => `The language model did not answer: ${reason}.`,
  live: 'Word by word',
  liveHint: 'Sends every word as soon as it is typed, as a language model would',
  stop: 'Stop',
  send: 'Send',

  avatar: 'Avatar',
  voice: 'Voice',
  speed: 'Speed',

  notConnected: 'Not connected: this text was not sent.',
  tryingAgain: (reason: string) => `${reason} Trying again.`,
  unreachable: 'The server does not answer. Is it running?',
  draining: 'The server is about to stop.',
  full: (places: number) => (places === 1 ? 'Its only place is taken.' : `All ${places} places are taken.`),
  lost: 'The connection is lost.',
  webrtcFailed: 'The server answers, but sound and picture do not get through.',
  unknownVoice: 'That voice is not there any more.',
  unknownAvatar: 'That avatar is not there any more.',
  textTooLong: 'That is more text than may wait. Say less at once.',
  tooManyUtterances: 'Too much is waiting to be said. Wait a moment.',
  badText: 'There is nothing in it that this voice can say.',

  textToSound: 'Text → sound',
  textToSoundHint: 'From sending a text until its first sound is heard here',
  textToFace: 'Text → face',
  textToFaceHint: 'From sending a text until the face that says it is seen here',
  fps: 'Frames per second',
  fpsHint: 'Video frames decoded here each second',
  skew: 'Sound/picture skew',
  skewHint: 'How far the sound is ahead of the picture at playout; negative: behind',
  bitrate: 'Bit rate',
  bitrateHint: 'Sound and picture together',
  transport: 'Media come by',
  transportHint: 'Where no UDP gets through, sound and picture take the WebSocket',
};

/** A page in one language. A text that takes something to name is a function. */
export type Texts = typeof en;
