import { describe, expect, test } from 'vitest';
import { readPoolSettings, readPoolVariables } from '../../src/docker/pool-settings.ts';

describe('the names of a pool’s settings', () => {
  test.for<[string, string[], object, [number | null, number | null]]>([
    ['the runbook’s', ['DATABASE_POOL_SIZE=6', 'DATABASE_MAX_OVERFLOW=4'], {}, [6, 4]],
    ['Flask’s', ['SQLALCHEMY_POOL_SIZE=6', 'SQLALCHEMY_MAX_OVERFLOW=4'], {}, [6, 4]],
    ['short ones', ['DB_POOL_SIZE=6', 'DB_POOL_MAX_OVERFLOW=4'], {}, [6, 4]],
    ['with POOL in both', ['DATABASE_POOL_SIZE=6', 'DATABASE_POOL_MAX_OVERFLOW=4'], {}, [6, 4]],
    [
      'Airflow’s',
      [
        'AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE=6',
        'AIRFLOW__DATABASE__SQL_ALCHEMY_MAX_OVERFLOW=4',
      ],
      {},
      [6, 4],
    ],
    ['Rails’ one', ['DB_POOL=6'], {}, [6, 0]],
    ['a maximum', ['DB_POOL_MIN=1', 'DB_POOL_MAX=6'], {}, [6, 0]],
    ['Go’s', ['DB_MAX_OPEN_CONNS=6'], {}, [6, 0]],
    ['HikariCP’s', ['SPRING_DATASOURCE_HIKARI_MAXIMUM_POOL_SIZE=6'], {}, [6, 0]],
    ['a size alone: what comes on top is not known', ['DB_POOL_SIZE=6'], {}, [6, null]],
    [
      'a pair before a lone size, wherever it stands',
      ['DATABASE_POOL_SIZE=9', 'DB_POOL_SIZE=6', 'DB_MAX_OVERFLOW=4'],
      {},
      [6, 4],
    ],
    [
      'configured ones before usual ones',
      ['DB_POOL_SIZE=9', 'DB_MAX_OVERFLOW=9', 'SHOP_CONNECTIONS=6', 'SHOP_EXTRA=4'],
      { size: 'SHOP_CONNECTIONS', overflow: 'SHOP_EXTRA' },
      [6, 4],
    ],
    ['a configured size alone is a maximum', ['MINE=6'], { size: 'MINE' }, [6, 0]],
    ['configured, and not there', ['DB_POOL_SIZE=9'], { size: 'MINE' }, [null, null]],
    ['none at all', ['PATH=/bin', 'POOL_SIZE=9', 'REDIS_POOL_SIZE=9'], {}, [null, null]],
  ])('%s', ([, environment, variables, [size, maxOverflow]]) => {
    expect(readPoolSettings(environment, { variables })).toMatchObject({ size, maxOverflow });
  });

  test('only those that the container has are its own', () => {
    expect(readPoolVariables(['DB_POOL=6', 'DB_POOL_TIMEOUT=5', 'DB_PASSWORD=hunter2'])).toEqual({
      size: 'DB_POOL',
      timeout: 'DB_POOL_TIMEOUT',
    });
    const variables = { size: 'MINE', timeout: 'WAIT', recycle: 'NEVER' };
    expect(readPoolVariables(['MINE=6', 'WAIT=5'], { variables })).toEqual({
      size: 'MINE',
      timeout: 'WAIT',
    });
  });

  test('what a pool without a variable for it opens on top is configured', () => {
    const naming = { variables: { size: 'MINE' }, maxOverflow: 3 };
    expect(readPoolSettings(['MINE=6'], naming)).toMatchObject({ size: 6, maxOverflow: 3 });
  });
});
