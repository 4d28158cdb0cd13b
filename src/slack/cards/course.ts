import type { StepNews } from '../../runbook/remedies/remedy.ts';

/** How far a plan's steps are, gathered from what is heard of them. */
export interface Course {
  readonly steps: ReadonlyMap<number, StepTimes>;
  /** Where the present step stands, such as `12 of 61 ended`. */
  readonly progress: string | null;
}

export interface StepTimes {
  readonly begunAt: string;
  /** Null while it runs, or when it broke off. */
  readonly endedAt: string | null;
}

export const notBegun: Course = { steps: new Map(), progress: null };

/** A step may be told of in several parts: it lasts from its first intent to its last end. */
export function follow(course: Course, news: StepNews): Course {
  switch (news.kind) {
    case 'progress':
      return { ...course, progress: news.sentence };
    case 'intended':
    case 'done': {
      const begunAt = course.steps.get(news.step)?.begunAt ?? news.at;
      const endedAt = news.kind === 'done' ? news.at : null;
      const steps = new Map([...course.steps, [news.step, { begunAt, endedAt }] as const]);
      return { steps, progress: news.kind === 'done' ? null : news.sentence };
    }
    default:
      return course;
  }
}
