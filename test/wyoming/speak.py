"""Speaks through a Wyoming server with the client that Home Assistant uses, and prints what came back as JSON.

python speak.py URI VOICE whole TEXT
python speak.py URI VOICE stream PIECE PIECE …
"""

import asyncio
import json
import sys

from wyoming.audio import AudioChunk
from wyoming.client import AsyncClient
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice


async def main(uri: str, voice_name: str, way: str, *pieces: str) -> None:
    voice = SynthesizeVoice(name=voice_name)
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Describe().event())
        info = Info.from_event(await client.read_event())
        if way == "stream":
            await client.write_event(SynthesizeStart(voice=voice).event())
            for piece in pieces:
                await client.write_event(SynthesizeChunk(text=piece).event())
            await client.write_event(SynthesizeStop().event())
        else:
            await client.write_event(Synthesize(text="".join(pieces), voice=voice).event())
        types, seconds = [], 0.0
        while not types or types[-1] != ("synthesize-stopped" if way == "stream" else "audio-stop"):
            event = await client.read_event()
            if event is None:
                break
            if not types or types[-1] != event.type:
                types.append(event.type)
            if AudioChunk.is_type(event.type):
                seconds += AudioChunk.from_event(event).seconds
    voices = [voice.name for program in info.tts for voice in program.voices]
    print(json.dumps({"voices": voices, "types": types, "ms": round(1000 * seconds)}))


asyncio.run(main(*sys.argv[1:]))
