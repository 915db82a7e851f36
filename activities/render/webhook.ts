import type { Delivery } from '../../domain/responder/types.ts';

/** PagerDuty's v3 webhook shape, with the first incident as its data and every page beside it. */
export function webhookBody(delivery: Delivery, nowMs: number): unknown {
  const { message } = delivery;
  const isPage = message.kind === 'page';
  return {
    event: {
      id: delivery.deliveryId,
      event_type: isPage ? 'incident.triggered' : `notification.${message.kind}`,
      resource_type: isPage ? 'incident' : 'notification',
      occurred_at: new Date(nowMs).toISOString(),
      agent: null,
      client: { name: 'PD Lite' },
      data: isPage ? pageData(message) : message,
    },
  };
}

function pageData(message: Extract<Delivery['message'], { kind: 'page' }>): unknown {
  const incidents = message.pages.map((page) => ({
    id: page.incidentId,
    type: 'incident',
    number: page.incidentNumber,
    status: 'triggered',
    title: page.title,
    service: { summary: page.serviceName, type: 'service_reference' },
    urgency: page.urgency,
    created_at: page.triggeredAt,
  }));
  return {
    ...incidents[0],
    pages: incidents,
    open_count: message.openCount,
    code: message.code,
  };
}
