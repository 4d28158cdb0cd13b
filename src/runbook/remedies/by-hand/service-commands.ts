import type { PoolTarget } from '../targets/pool.ts';
import type { Commands, Place } from './hand-off.ts';
import { compose, kubectl } from './psql.ts';
import { shellWord } from './quote.ts';

/** Option C: a restart of one service, each replica after the other where its place can do that. */
export function restartCommands({ services, names }: Place, service: string): Commands {
  const word = shellWord(service);
  switch (services) {
    case 'compose':
      return { notes: [], commands: [`${compose(names)} restart ${word}`] };
    case 'kubernetes':
      return { notes: [], commands: rollOut(names, `restart deployment/${word}`, word) };
    case 'systemd':
      return { notes: [], commands: [`sudo systemctl restart ${word}`] };
    default: {
      const how = `Restart every process of ${service}, one after another, the way it is run.`;
      const ecs = 'On ECS: aws ecs update-service with --force-new-deployment.';
      return { notes: [how, ecs], commands: [] };
    }
  }
}

function rollOut(names: Place['names'], first: string, word: string): string[] {
  const start = `${kubectl(names)} rollout`;
  return [`${start} ${first}`, `${start} status deployment/${word} --timeout=10m`];
}

/** Option E: the pool's variables where they are set, and processes that read them. */
export function resizeCommands({ services, names }: Place, pool: PoolTarget): Commands {
  const word = shellWord(pool.service);
  const lines = assignments(pool);
  switch (services) {
    case 'compose': {
      const edit = `Set ${lines.join(' and ')} where ${pool.service} has them from.`;
      const up = `${compose(names)} up -d --no-deps --wait ${word}`;
      const where = "Run it in the project's directory.";
      return { notes: [edit, where], commands: [up] };
    }
    case 'kubernetes': {
      const keep = 'Change the manifest or the chart as well, or the next deploy undoes it.';
      const set = `${kubectl(names)} set env deployment/${word} ${lines.map(shellWord).join(' ')}`;
      const status = `${kubectl(names)} rollout status deployment/${word} --timeout=10m`;
      return { notes: [keep], commands: [set, status] };
    }
    case 'systemd': {
      const edit = `Set ${lines.join(' and ')} in the environment of the unit: sudo systemctl edit ${word}`;
      return { notes: [edit], commands: [`sudo systemctl restart ${word}`] };
    }
    default: {
      const edit = `Set ${lines.join(' and ')} where ${pool.service} has them from, and restart every process of it.`;
      return { notes: [edit], commands: [] };
    }
  }
}

function assignments({ variables, to }: PoolTarget): string[] {
  const size = `${variables.size}=${to.poolSize}`;
  return variables.overflow === null ? [size] : [size, `${variables.overflow}=${to.maxOverflow}`];
}
