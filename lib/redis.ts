export { RedisStore, type RedisStoreOptions, type RedisClient } from './storage/redis-store.js';
