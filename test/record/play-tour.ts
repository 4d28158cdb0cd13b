import { join } from 'node:path';
import { setStage } from '../../sandbox/stage.ts';
import { playTour } from '../../sandbox/tour/play.ts';
import type { TourScene } from '../../sandbox/tour/scene.ts';
import { tourScenes } from '../../sandbox/tour/scenes.ts';
import { story } from '../../sandbox/tour/story.ts';
import { everyWord, runInTerminal } from './terminal.ts';
import { createTranscript } from './transcript.ts';
import type { Transcript } from './transcript.ts';
import { toFileName, write } from './write.ts';

/** Plays the tour and writes down, scene by scene, what Slack, the pager and the terminal were told; the number of mistakes. */
export async function recordTour(folder: string): Promise<number> {
  const acts: { readonly title: string; readonly said: Transcript; readonly typed: unknown[] }[] =
    [];
  const current = (): Transcript => acts.at(-1)?.said ?? createTranscript();
  const stage = await setStage({
    seed: 7,
    brisk: true,
    // News of a request may come when the next scene has begun; it belongs below its own card.
    onSaid: (said) => {
      const ts = said.args['thread_ts'] ?? said.args['ts'];
      (acts.find((act) => act.said.knows(ts))?.said ?? current()).hear(said);
    },
    onPaged: (path, body) => current().page(path, body),
  });
  const recorded = tourScenes().map((scene): TourScene => {
    const typed: unknown[] = [];
    const type = async (words: readonly string[]): Promise<void> => {
      for (const word of words) typed.push(await runInTerminal(word, stage.configFile));
    };
    return {
      ...scene,
      make(patient) {
        acts.push({ title: scene.title, said: createTranscript(), typed });
        return scene.make(patient);
      },
      async help(show, seen) {
        const problems = (await scene.help?.(show, seen)) ?? [];
        // What the journal holds is asked for once it holds an incident.
        await type(scene === story ? everyWord : ['status']);
        return problems;
      },
    };
  });
  try {
    return await playTour(stage, recorded);
  } finally {
    await stage.close();
    for (const [index, { title, said, typed }] of acts.entries()) {
      const number = String(index + 1).padStart(2, '0');
      const file = join(folder, 'tour', `${number}-${toFileName(title)}.json`);
      write(file, { ...said.toJson(), terminal: typed });
    }
  }
}
