import { z } from 'zod';
import { readCatalog } from '../../src/models/catalog.ts';
import { type Figure, single } from '../figures.ts';
import type { BenchPart } from '../part.ts';

/** Points that a voice may be harder to understand than its teacher. */
const WER_MARGIN_PERCENT = 2;

/** The numbers that the training programs write into the manifests; a model may come without them. */
const voiceEvaluation = z.object({ wordErrorRate: z.number(), teacherWordErrorRate: z.number() }).partial();
const rendererEvaluation = z.object({ psnr: z.number(), mouth: z.number(), eyes: z.number() }).partial();
const motionEvaluation = z.object({
  speech: z
    .object({ correlation: z.object({ jawOpen: z.number() }), closed: z.number() })
    .partial()
    .prefault({}),
});

const percent = (share: number | undefined): number | null => (share === undefined ? null : 100 * share);

/** How good the installed models are: what was measured when they were exported. */
export const models: BenchPart = {
  name: 'models',
  async measure({ modelsDir, note }) {
    const { voices, motions, renderers } = await readCatalog(modelsDir);
    note('models: measured at export, read from the manifests');
    const figures: Figure[] = [];
    for (const { manifest } of voices.values()) {
      const { wordErrorRate, teacherWordErrorRate } = voiceEvaluation.parse(manifest.evaluation);
      const teacher = percent(teacherWordErrorRate);
      const goal = teacher === null ? {} : { goal: { of: 'p50', limit: teacher + WER_MARGIN_PERCENT } as const };
      figures.push(
        single(`voice ${manifest.name}: word error rate`, '%', percent(wordErrorRate), goal),
        single(`voice ${manifest.name}: word error rate of its teacher`, '%', teacher),
      );
    }
    for (const { manifest } of renderers.values()) {
      const { psnr, mouth, eyes } = rendererEvaluation.parse(manifest.evaluation);
      figures.push(
        single(`renderer ${manifest.name}: PSNR, whole picture`, 'dB', psnr ?? null, {
          better: 'higher',
          goal: { of: 'p50', limit: 34 },
        }),
        single(`renderer ${manifest.name}: PSNR, mouth`, 'dB', mouth ?? null, {
          better: 'higher',
          goal: { of: 'p50', limit: 29 },
        }),
        single(`renderer ${manifest.name}: PSNR, eyes`, 'dB', eyes ?? null, {
          better: 'higher',
          goal: { of: 'p50', limit: 29 },
        }),
      );
    }
    for (const { manifest } of motions.values()) {
      const { correlation, closed } = motionEvaluation.parse(manifest.evaluation).speech;
      figures.push(
        single(`motion ${manifest.name}: correlation of the jaw with its teacher`, '', correlation?.jawOpen ?? null, {
          better: 'higher',
          goal: { of: 'p50', limit: 0.8 },
        }),
        single(`motion ${manifest.name}: lips closed at P, B, M`, '%', percent(closed), {
          better: 'higher',
          goal: { of: 'p50', limit: 80 },
        }),
      );
    }
    return figures;
  },
};
