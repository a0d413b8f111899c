import type { components } from './schema';

type Schemas = components['schemas'];

export type Me = Schemas['Me'];
export type Role = Schemas['Role'];
export type Overview = Schemas['Overview'];
export type Metrics = Schemas['IntegrationMetrics'];
export type StoreOverview = Schemas['StoreOverview'];
export type StoreState = Schemas['StoreState'];
export type Store = Schemas['StoreView'];
export type StoreDetail = Schemas['StoreDetail'];
export type Agent = Schemas['AgentView'];
export type PosSystem = Schemas['PosSystemView'];
export type Stream = Schemas['StreamView'];
export type StreamPhase = Stream['phase'];
export type EnrolmentCode = Schemas['EnrolmentCode'];
export type Job = Schemas['JobView'];
export type JobStatus = Job['status'];
export type Reject = Schemas['RejectView'];
export type RejectStatus = Schemas['RejectStatus'];
export type Conflict = Schemas['ConflictView'];
export type ConflictKind = Schemas['ConflictKind'];
export type ConflictStatus = Schemas['ConflictStatus'];
export type Strategy = Schemas['Strategy'];
export type Product = Schemas['ProductView'];
export type ProductDetail = Schemas['ProductDetail'];
export type ProductHistory = Schemas['ProductHistory'];
