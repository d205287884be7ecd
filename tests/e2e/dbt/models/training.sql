SELECT model, version, status, verdict
FROM ml_finetune('again', '{{ ref("labelled") }}', target := 'failed', split := 'entity', entity := 'unit',
  options := {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2})
