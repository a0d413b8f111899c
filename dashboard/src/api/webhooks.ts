import { client } from './client';
import { call } from './problem';
import type { NewWebhook } from './types';

export function createWebhook(storeId: string, wish: NewWebhook) {
  return call(client.POST('/v1/stores/{id}/webhooks', { params: { path: { id: storeId } }, body: wish }));
}

export function rotateWebhook(posSystemId: string) {
  return call(client.POST('/v1/webhooks/{pos_system_id}/rotate', { params: { path: { pos_system_id: posSystemId } } }));
}

export function deactivateWebhook(posSystemId: string) {
  return call(client.POST('/v1/webhooks/{pos_system_id}/deactivate', { params: { path: { pos_system_id: posSystemId } } }));
}
