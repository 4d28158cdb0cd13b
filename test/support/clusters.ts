import { startCluster as start } from '../../sandbox/patient/cluster.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { startPatient as begin } from '../../sandbox/patient/patient.ts';
import type { Patient } from '../../sandbox/patient/patient.ts';
import { findKeptHome } from './kept-home.ts';

type ClusterOptions = Parameters<typeof start>[0];
type PatientOptions = Parameters<typeof begin>[0];

/** As the sandbox's, in a home that the next test of this process uses again. */
export function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  return start({ ...options, findHome: findKeptHome });
}

/** As the sandbox's, in a home that the next test of this process uses again. */
export function startPatient(options: PatientOptions): Promise<Patient> {
  return begin({ ...options, findHome: findKeptHome });
}
