"""The questions that W&B's public client asks its service, as the client sends them (wandb 0.31), but for white space."""

from __future__ import annotations

__all__ = [
    "ARTIFACT_FILES",
    "EVENTS",
    "FILES",
    "HISTORY",
    "INPUT_ARTIFACTS",
    "MANIFEST",
    "OUTPUT_ARTIFACTS",
    "RUNS",
]

RUNS = """
query Runs($project: String!, $entity: String!, $cursor: String, $perPage: Int = 50, $order: String, $filters: JSONString) { project(name:
$project, entityName: $entity) { internalId runCount(filters: $filters) readOnly runs(filters: $filters, after: $cursor, first: $perPage,
order: $order) { edges { node { projectId ...RunFragment } cursor } pageInfo { endCursor hasNextPage } } } } fragment RunFragment on Run {
id tags name displayName sweepName state config group jobType commit readOnly createdAt heartbeatAt description notes systemMetrics
summaryMetrics historyLineCount user { name username } historyKeys }
"""
FILES = """
query RunFiles($project: String!, $entity: String!, $name: String!, $fileCursor: String, $fileLimit: Int = 50, $fileNames: [String] = [],
$upload: Boolean = false, $pattern: String) { project(name: $project, entityName: $entity) { internalId run(name: $name) { fileCount
...RunFilesFragment } } } fragment RunFilesFragment on Run { files(names: $fileNames, after: $fileCursor, first: $fileLimit, pattern:
$pattern) { edges { node { id name url(upload: $upload) directUrl sizeBytes mimetype updatedAt md5 } cursor } pageInfo { endCursor
hasNextPage } } }
"""
EVENTS = """
query RunFullHistory($project: String!, $entity: String!, $name: String!, $samples: Int) { project(name: $project, entityName: $entity) {
run(name: $name) { events(samples: $samples) } } }
"""
HISTORY = """
query HistoryPage ($entity: String!, $project: String!, $run: String!, $minStep: Int64!, $maxStep: Int64!, $pageSize: Int!) { project(name:
$project, entityName: $entity) { run(name: $run) { history(minStep: $minStep, maxStep: $maxStep, samples: $pageSize) } } }
"""
OUTPUT_ARTIFACTS = """
query RunOutputArtifacts($entity: String!, $project: String!, $run: String!, $cursor: String, $perPage: Int, $includeAliases: Boolean =
true) { project(entityName: $entity, name: $project) { run(name: $run) { artifacts: outputArtifacts(after: $cursor, first: $perPage) {
totalCount pageInfo { ...PageInfoFragment } edges { node { ...ArtifactFragment } } } } } } fragment ArtifactAliasFragment on ArtifactAlias {
__typename id alias } fragment ArtifactFragment on Artifact { __typename id artifactSequence { ...SourceCollectionInfoFragment }
versionIndex artifactType { name } description metadata ttlDurationSeconds ttlIsInherited tags { ...TagFragment } historyStep state size
digest digestAlgorithm @include(if: true) commitHash fileCount createdAt updatedAt aliases @include(if: $includeAliases) {
artifactCollection { ...CollectionInfoFragment } ...ArtifactAliasFragment } } fragment CollectionInfoFragment on ArtifactCollection {
__typename name project { ...ProjectInfoFragment } } fragment PageInfoFragment on PageInfo { __typename endCursor hasNextPage } fragment
ProjectInfoFragment on Project { id internalId name entity { name } } fragment SourceCollectionInfoFragment on ArtifactSequence { __typename
name project { ...ProjectInfoFragment } } fragment TagFragment on Tag { __typename id name }
"""
INPUT_ARTIFACTS = """
query RunInputArtifacts($entity: String!, $project: String!, $run: String!, $cursor: String, $perPage: Int, $includeAliases: Boolean = true)
{ project(entityName: $entity, name: $project) { run(name: $run) { artifacts: inputArtifacts(after: $cursor, first: $perPage) { totalCount
pageInfo { ...PageInfoFragment } edges { node { ...ArtifactFragment } } } } } } fragment ArtifactAliasFragment on ArtifactAlias { __typename
id alias } fragment ArtifactFragment on Artifact { __typename id artifactSequence { ...SourceCollectionInfoFragment } versionIndex
artifactType { name } description metadata ttlDurationSeconds ttlIsInherited tags { ...TagFragment } historyStep state size digest
digestAlgorithm @include(if: true) commitHash fileCount createdAt updatedAt aliases @include(if: $includeAliases) { artifactCollection {
...CollectionInfoFragment } ...ArtifactAliasFragment } } fragment CollectionInfoFragment on ArtifactCollection { __typename name project {
...ProjectInfoFragment } } fragment PageInfoFragment on PageInfo { __typename endCursor hasNextPage } fragment ProjectInfoFragment on
Project { id internalId name entity { name } } fragment SourceCollectionInfoFragment on ArtifactSequence { __typename name project {
...ProjectInfoFragment } } fragment TagFragment on Tag { __typename id name }
"""
MANIFEST = """
query FetchArtifactManifest($id: ID!) { artifact(id: $id) { currentManifest { ...DeferredManifestFragment } } } fragment
DeferredManifestFragment on ArtifactManifest { file { directUrl } }
"""
ARTIFACT_FILES = """
query GetArtifactMembershipFileUrls($entity: String!, $project: String!, $collection: String!, $alias: String!, $cursor: String, $perPage:
Int) { project(name: $project, entityName: $entity) { artifactCollection(name: $collection) { __typename artifactMembership(aliasName:
$alias) { files(after: $cursor, first: $perPage) { pageInfo { ...PageInfoFragment } edges { node { ...FileWithUrlFragment } } } } } } }
fragment FileWithUrlFragment on File { __typename name directUrl } fragment PageInfoFragment on PageInfo { __typename endCursor hasNextPage
}
"""
