/** A region has up to 64 clusters. */
export const regionClustersMax = 64;
/** Twelve regions at most: nine and a remainder of each kind of place. */
export const clustersMax = 600;
