/** A region has up to 64 clusters. */
export const regionClustersMax = 64;
/** Twelve regions at most: nine and a remainder of each kind of place. */
export const clustersMax = 600;
/** Members of a cluster of a fleet, *assumed*: in the middle of 50 to 200. */
export const clusterNodes = 100;
/** Nodes of a fleet: the smallest cluster alone; as many clusters as there are. */
export const fleetNodes = { min: 50, max: clustersMax * clusterNodes } as const;
/** What the plan can lay; beyond 600 clusters no fleet of nodes flies. */
export const modelledClustersMax = 10_000;
export const modelledNodesMax = modelledClustersMax * clusterNodes;
/** Frames that a contact carries each way: a cluster's summary and what it passes on; *assumed*. */
export const framesPerContact = 32;
