"use client";

import { useSyncExternalStore } from "react";

import { noticeState, type NoticeState, subscribeToNotices } from "./notices";

export const useNotices = (): NoticeState => useSyncExternalStore(subscribeToNotices, noticeState, () => "unavailable");
