import clusterNeo from './cluster-neo.yaml';
import isolation from './isolation-30d.yaml';
import lossy from './lossy-30pct.yaml';
import mixedHardware from './mixed-hardware.yaml';
import quiet from './quiet.yaml';
import storm from './storm.yaml';

/** The scenarios that ship with the project, by name, as the YAML that stands beside this file. */
export const shippedScenarios: Readonly<Record<string, string>> = {
  'cluster-neo': clusterNeo,
  'isolation-30d': isolation,
  'lossy-30pct': lossy,
  storm,
  'mixed-hardware': mixedHardware,
  quiet,
};
